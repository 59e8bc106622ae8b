"""Streams of images: the laws, the order of pixels, real MNIST."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import pytest
import torch

from hl_cli.errors import BadInput
from hl_cli.streams.images import DATASETS, ImageStream
from tests import laws
from tests.image_files import cifar_files, mnist_files, pixels
from tests.material import REAL

pytestmark = pytest.mark.filterwarnings("ignore:torchvision's compiled operators do not fit:UserWarning")

TICKS = [("mnist", 1), ("fashion_mnist", 28), ("kmnist", 784), ("cifar10", 1), ("cifar10", 32), ("cifar10", 1024)]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    for kind in ("MNIST", "FashionMNIST", "KMNIST"):
        mnist_files(tmp_path, kind)
    cifar_files(tmp_path, monkeypatch)
    return str(tmp_path)


@pytest.mark.parametrize("batch", [1, 7])
@pytest.mark.parametrize(("dataset", "ticks"), TICKS)
def test_laws(root: str, dataset: str, ticks: int, batch: int) -> None:
    def make() -> ImageStream:
        return ImageStream(dataset, ticks, root, batch_size=batch, seed=3, dtype=torch.float64)

    laws.stream_is_the_same_again(make, 50)
    for stop in (0, 1, 9, 10, 33):
        laws.stream_resumes_anywhere(make, stop, 30)
    about = make().describe()
    assert (about.train_samples, about.held_out_samples, about.chance) == (10, 4, 0.25)
    assert about.origin and about.licence == DATASETS[dataset].licence


@pytest.mark.parametrize(("dataset", "ticks"), TICKS)
def test_an_epoch_holds_each_image_once_with_its_pixels_in_order(root: str, dataset: str, ticks: int) -> None:
    stream = ImageStream(dataset, ticks, root, dtype=torch.float64)
    channels, height, width = DATASETS[dataset].shape
    images = pixels(10, channels, height, width).double() * (1 / 255)
    cut = images if ticks == 1 else images.movedim(1, -1)
    expected = dict(enumerate(cut.reshape(10, ticks, -1)))
    seen = {int(s.target): s.inputs[0] for s in islice(stream, 10)}
    assert seen.keys() == expected.keys()
    assert all(torch.equal(seen[k], expected[k]) for k in seen)
    assert (stream.image is None) == (channels > 1 and ticks > 1)
    if stream.image:
        assert torch.equal(seen[3].reshape(stream.image), images[3])


def test_real_mnist() -> None:
    if not (REAL / "MNIST" / "raw").is_dir():
        pytest.skip(f"no MNIST in {REAL}")
    stream = ImageStream("mnist", root=str(REAL), batch_size=100)
    about, held_out = stream.describe(), stream.held_out()
    assert about.train_samples is not None and about.train_samples >= 8000 and about.held_out_samples >= 2000
    assert float(held_out.inputs.min()) == 0 and float(held_out.inputs.max()) == 1
    epoch = torch.cat([s.inputs for s in islice(stream, about.train_samples // 100)]).flatten(1)
    ink = epoch.mean()
    assert 0.12 < float(ink) < 0.14  # the mean of MNIST is 0.1307
    both = torch.cat([epoch.mul(255).byte(), held_out.inputs.flatten(1).mul(255).byte()])
    assert len(torch.unique(both, dim=0)) == len(both)  # no image is held out and given


def test_bad_input() -> None:
    with pytest.raises(BadInput, match="allowed: mnist, fashion_mnist, kmnist, cifar10"):
        ImageStream("svhn")
    with pytest.raises(BadInput, match=r"stream.ticks=2: mnist .* allowed: 1, 28 \(rows\), 784 \(pixels\)"):
        ImageStream("mnist", ticks=2)
    with pytest.raises(BadInput, match=r"stream.ticks=3072: cifar10 .* allowed: 1, 32 \(rows\), 1024 \(pixels\)"):
        ImageStream("cifar10", ticks=3072)
