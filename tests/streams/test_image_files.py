"""Files of images that are missing, damaged, unreadable or not to be fetched, and torchvision itself."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from urllib.error import URLError

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hl_cli.errors import BadInput
from hl_cli.streams import vision
from hl_cli.streams.images import ImageStream
from tests.image_files import FILES, cifar_files, idx, labels, mnist_files, pixels

pytestmark = pytest.mark.filterwarnings("ignore:torchvision's compiled operators do not fit:UserWarning")


def refused(root: str | Path, dataset: str = "mnist", **options: bool) -> str:
    with pytest.raises(BadInput) as caught:
        ImageStream(dataset, root=str(root), **options)
    line = str(caught.value)
    assert "\n" not in line and line.startswith(f"stream.root={root}: ") and "stream.download=true" in line
    return line


def rewrite(name: str, change: Callable[[bytes], bytes]) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes(change((folder / name).read_bytes()))


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (lambda f: (f / FILES[3]).unlink(), "t10k-labels-idx1-ubyte: No such file or directory"),
    "folder": (lambda f: [(f / FILES[0]).unlink(), (f / FILES[0]).mkdir()], f"{FILES[0]}: Is a directory"),
    "empty": (rewrite(FILES[0], lambda b: b""), f"{FILES[0]}: ends after 0 bytes, within its header of 16"),
    "cut": (rewrite(FILES[2], lambda b: b[:-1]), f"{FILES[2]}: has 3135 bytes after its header, which says 4 x 28 x"),
    "long": (rewrite(FILES[1], lambda b: b + b"1"), f"{FILES[1]}: has 11 bytes after its header, which says 10"),
    "magic": (rewrite(FILES[1], lambda b: b"\x1f\x8b" + b[2:]), "begins with 1f8b0801, not with 00000801"),
    "none": (rewrite(FILES[1], lambda b: idx(labels(0))), f"{FILES[1]}: holds nothing"),
    "count": (rewrite(FILES[1], lambda b: idx(labels(9))), "there are 10 training images and 9 training labels"),
    "label": (rewrite(FILES[3], lambda b: b[:-1] + b"\x0a"), r"test label 3 is 10, not in 0\.\.9"),
    "shape": (rewrite(FILES[2], lambda b: idx(pixels(4, 27, 28))), "the test images are 27x28x1 .*, not 28x28x1 bytes"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_refused_in_one_line(tmp_path: Path, damage: str) -> None:
    do, said = DAMAGES[damage]
    do(mnist_files(tmp_path))
    assert re.search(said, refused(tmp_path))


@given(st.sampled_from(FILES), st.sampled_from(["cut", "change", "insert"]), st.integers(0, 10**4), st.integers(0, 255))
@example(FILES[0], "change", 3, 1)
@example(FILES[3], "change", 11, 10)
@example(FILES[3], "change", 11, 9)
@example(FILES[2], "change", 500, 77)
def test_any_damage_is_refused_unless_it_is_a_possible_file(name: str, kind: str, place: int, byte: int) -> None:
    with tempfile.TemporaryDirectory() as root:
        path = mnist_files(Path(root)) / name
        whole = path.read_bytes()
        at, header = place % len(whole), 16 if "images" in name else 8
        new = {"cut": b"", "change": bytes((byte,)) + whole[at + 1 :], "insert": bytes((byte,)) + whole[at:]}[kind]
        data = whole[:at] + new
        path.write_bytes(data)
        possible = len(data) == len(whole) and data[:header] == whole[:header]
        if possible and ("images" in name or max(data[header:]) < 10):
            stream = ImageStream("mnist", root=root)
            assert next(stream).inputs.shape == (1, 1, 784) and stream.held_out().inputs.shape == (4, 1, 784)
        else:
            refused(root)


def test_cifar_with_a_wrong_checksum_or_without_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cifar_files(tmp_path, monkeypatch)
    folder = tmp_path / "cifar-10-batches-py"
    (folder / "data_batch_3").write_bytes(b"not what it was")
    assert "data_batch_3: wrong checksum" in refused(tmp_path, "cifar10")
    (folder / "data_batch_2").unlink()
    assert "data_batch_2: No such file or directory" in refused(tmp_path, "cifar10")


@pytest.mark.parametrize("dataset", ["mnist", "cifar10"])
def test_what_stands_in_the_way_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dataset: str) -> None:
    (tmp_path / "file").touch()
    assert ": Not a directory" in refused(tmp_path / "file", dataset)
    assert ": Not a directory" in refused(tmp_path / "file", dataset, download=True)
    assert "null byte" in refused("nul\0", dataset)
    (mnist_files if dataset == "mnist" else lambda root: cifar_files(root, monkeypatch))(tmp_path)

    def closed(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", "there")

    monkeypatch.setattr(getattr(vision.datasets(), dataset.upper()), "__init__", closed)
    assert "PermissionError: [Errno 13] Permission denied: 'there'" in refused(tmp_path, dataset)


@pytest.mark.parametrize("dataset", ["mnist", "cifar10"])
def test_a_download_that_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], dataset: str
) -> None:
    def fetch(*_: object, **__: object) -> None:
        print("0%")
        raise URLError("no network\nhere")

    module = getattr(vision.datasets(), dataset.rstrip("10"))
    monkeypatch.setattr(module, "download_and_extract_archive", fetch)
    line = refused(tmp_path, dataset, download=True)
    assert "no network here" in line and "No such file or directory" in line
    assert not capsys.readouterr().out


def test_nothing_is_fetched_that_is_there(tmp_path: Path) -> None:
    mnist_files(tmp_path)
    assert ImageStream("mnist", root=str(tmp_path), download=True).describe().train_samples == 10


def test_torchvision_is_imported_with_one_warning_where_it_does_not_fit() -> None:
    code = """
import warnings
from hl_cli.streams.vision import datasets
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    assert datasets().MNIST is datasets().MNIST
from torchvision.extension import _has_ops
assert [w.category for w in caught] == ([] if _has_ops() else [UserWarning]), caught
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_torchvision_that_cannot_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(error: Exception) -> Callable[[str], None]:
        def load(name: str) -> None:
            raise error

        return load

    monkeypatch.setattr(vision, "import_module", failing(ModuleNotFoundError("No module named 'torchvision'")))
    with pytest.raises(BadInput, match=r"torchvision cannot be imported \(No module named 'torchvision'\)"):
        vision.datasets.__wrapped__()
    monkeypatch.setattr(vision, "import_module", failing(RuntimeError("another")))
    with pytest.raises(RuntimeError, match="another"):
        vision.datasets.__wrapped__()
