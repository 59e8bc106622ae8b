"""The cache of compiled code: what another user can have written, or what was changed, is not loaded."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from hl_cli.errors import BadInput
from hl_cli.machine.cache import DIGEST, cache, find
from hl_cli.machine.library import Unbuilt, library

MADE, NAME = b"native code", "kernels.so"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


@pytest.fixture
def made() -> list[Path]:
    return []


@pytest.fixture
def get(made: list[Path]) -> Callable[[], Path]:
    def make(file: Path) -> None:
        file.write_bytes(MADE)
        made.append(file)

    return lambda: find("key", make, NAME, ("engine=compiled", "engine=replay"))


def test_a_file_is_made_once_in_a_private_folder(get: Callable[[], Path], made: list[Path]) -> None:
    before = os.umask(0)
    try:
        file = get()
    finally:
        os.umask(before)
    assert get() == file and file.read_bytes() == MADE and len(made) == 1
    modes = [stat.S_IMODE(one.stat().st_mode) for one in (cache().parent, cache(), file.parent, file)]
    assert modes == [0o700, 0o700, 0o700, 0o600]
    assert [one.name for one in cache().iterdir()] == ["key"]


def flipped(file: Path) -> None:
    file.write_bytes(bytes([MADE[0] ^ 1]) + MADE[1:])


def linked(file: Path) -> None:
    other = file.with_name("other")
    file.rename(other)
    file.symlink_to(other)


@pytest.mark.parametrize(("damage", "said"), [
    (flipped, "its digest is another"),
    (lambda file: file.write_bytes(MADE[:3]), "its digest is another"),
    (lambda file: (file.parent / DIGEST).unlink(), "cannot be read"),
    (lambda file: (file.parent / DIGEST).write_bytes(b"\xff"), "cannot be read"),
    (lambda file: file.chmod(0o666), "others may write it"),
    (linked, "is a link"),
], ids=["flipped", "short", "no digest", "no text", "open", "link"])  # fmt: skip
def test_a_bad_file_is_removed_and_made_anew(
    damage: Callable[[Path], None], said: str, get: Callable[[], Path], made: list[Path]
) -> None:
    damage(get())
    with pytest.warns(UserWarning, match=f"{said}.*; removed, and compiled anew"):
        file = get()
    assert file.read_bytes() == MADE and len(made) == 2
    assert sorted(one.name for one in file.parent.iterdir()) == [NAME, DIGEST]


def test_what_another_user_owns_is_not_loaded(
    get: Callable[[], Path], made: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = get()
    me = os.geteuid()
    if me == 0:
        os.chown(file, 12345, -1)
        with pytest.warns(UserWarning, match=r"kernels.so belongs to another user \(id 12345\); removed"):
            get()
        assert len(made) == 2
    monkeypatch.setattr(os, "geteuid", lambda: me + 1)
    with pytest.raises(BadInput, match=r"hl-run belongs to another user .* allowed: a folder of your own"):
        get()


def test_an_open_folder_is_closed(get: Callable[[], Path]) -> None:
    get()
    cache().chmod(0o777)
    with pytest.warns(UserWarning, match="was open to other users"):
        get()
    assert stat.S_IMODE(cache().stat().st_mode) == 0o700


def test_a_library_is_built_where_it_is_worth_it_and_kept_for_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hl_cli.machine.library.compiler", lambda asked: sys.executable)
    built: list[str] = []

    def build(line: Sequence[str]) -> None:
        built.append(line[-1])
        Path(line[-1]).write_bytes(MADE)

    monkeypatch.setattr("hl_cli.machine.library._build", build)
    source = tmp_path / "one.cpp"
    source.write_text("int one;")
    with pytest.raises(Unbuilt, match="not been built"):
        library([source], ("one", "none"), [], build=False)
    assert not built
    made = library([source], ("one", "none"), [])
    assert library([source], ("one", "none"), [], build=False) == made and len(built) == 1
