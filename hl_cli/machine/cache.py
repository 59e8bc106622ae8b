"""Native code on disk: it is loaded only where nobody else can have written it, and as it was written.

A file NAME is kept in a folder `KEY/` with `NAME` and `sha256`, which takes its place as a whole. The folders are this
user's own, with mode 0700; what another user owns or may write is never loaded. asked, here and where compiled code is
made: the option that asked for it and one that does without, as messages name them.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import stat
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from hl_cli.errors import BadInput

DIGEST = "sha256"
OTHERS = stat.S_IRWXG | stat.S_IRWXO
WRITE = stat.S_IWGRP | stat.S_IWOTH


def cache() -> Path:
    """The folder of compiled code, in the user's cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hl-run" / "compiled"


def _own(path: Path) -> bool:
    """Whether this user owns it, and what it points to where it is a link."""
    return path.lstat().st_uid == path.stat().st_uid == os.geteuid()


def private(asked: tuple[str, str]) -> Path:
    """The cache, made or closed to others; raises BadInput for another user's, OSError where it cannot be made."""
    folder = cache()
    for one in (folder.parent, folder):
        one.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _own(one):
            raise BadInput(
                f"{asked[0]}: {one} belongs to another user (id {one.stat().st_uid}), so that its files cannot be "
                f"trusted; allowed: a folder of your own, by XDG_CACHE_HOME; {asked[1]}"
            )
        if one.stat().st_mode & OTHERS:
            warnings.warn(f"{asked[0]}: {one} was open to other users; it is closed to them now", stacklevel=3)
            one.chmod(0o700)
    return folder


def find(key: str, make: Callable[[Path], None], name: str, asked: tuple[str, str]) -> Path:
    """The file `name` of this key. One that is bad is removed and, as one that is missing, made by `make(file)`.

    Between this and the loading only processes of this user can change it, and they replace whole folders. Raises
    BadInput where the cache is another user's, OSError where it cannot be written, and what `make` raises.
    """
    place = private(asked) / key
    if os.path.lexists(place):
        fault = _fault(place, name)
        if not fault:
            return place / name
        warnings.warn(f"{asked[0]}: {place}: {fault}; removed, and compiled anew", stacklevel=2)
        _remove(place)
    with _beside(place) as folder:
        made = folder / name
        make(made)
        (folder / DIGEST).write_text(_digest(made))
        for one in (made, folder / DIGEST):
            one.chmod(0o600)
        with contextlib.suppress(OSError):  # another process was faster
            folder.rename(place)
    fault = _fault(place, name)
    if fault:
        raise OSError(f"{place}: {fault}")
    return place / name


def _fault(place: Path, name: str) -> str:
    """Why this file must not be loaded, or nothing."""
    try:
        for one in (place, place / name, place / DIGEST):
            found = one.lstat()
            if found.st_uid != os.geteuid():
                return f"{one.name} belongs to another user (id {found.st_uid})"
            if stat.S_ISLNK(found.st_mode) or found.st_mode & WRITE:
                return f"{one.name} is a link, or others may write it"
        if (place / DIGEST).read_text() != _digest(place / name):
            return f"{name} is not what was written: its digest is another"
    except (OSError, UnicodeDecodeError) as error:
        return f"cannot be read ({getattr(error, 'strerror', None) or 'not a text'})"
    return ""


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _remove(place: Path) -> None:
    """Out of the way first: another process may do the same."""
    with _beside(place) as folder, contextlib.suppress(FileNotFoundError):
        place.rename(folder / "bad")


@contextmanager
def _beside(place: Path) -> Iterator[Path]:
    """A folder on the same file system, which is gone afterwards but for what has taken its place."""
    folder = Path(tempfile.mkdtemp(prefix="making-", dir=place.parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
