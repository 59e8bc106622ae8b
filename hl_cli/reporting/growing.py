"""Files that grow while a run goes on, that can be gone on with at any byte, and that know what was written to them.

A file keeps the SHA-256 of its bytes as they are written, a buffer at a time, so that nothing is read again. A mark is
[bytes, SHA-256 of them in hexadecimal digits]: where a run stands in a file, and what must be there when it goes on.
"""

from __future__ import annotations

import hashlib
import io
import os
from pathlib import Path
from typing import IO, Any

from hl_cli.errors import BadInput
from hl_cli.reporting.own_files import no_link, open_own

BLOCK = 2**16  # bytes
Mark = list[Any]


class Growing(io.FileIO):
    """The unbuffered file below; see grow. size: bytes written; settled: of them on the disk at the last `settle`."""

    def __init__(self, path: Path, start: Mark | None) -> None:
        super().__init__(str(path), "w" if start is None else "r+", opener=no_link)
        self.sum, self.size, self.settled = hashlib.sha256(), 0, -1
        if start is None:
            return
        try:
            self.sum, self.size = _checked(self, path, start), start[0]
            self.truncate(self.size)
            self.seek(self.size)
        except BaseException:
            self.close()
            raise

    def write(self, data: Any) -> int:
        """Write what the disk takes, and count it in."""
        written = super().write(data)
        self.sum.update(memoryview(data)[:written])
        self.size += written
        return written


def grow(path: Path, start: Mark | None, binary: bool = False) -> IO[Any]:
    """Open a new file, or go on with one after its mark; what lies behind it goes.

    Raises BadInput where the bytes before it are others, OSError where the path is a link.
    """
    file = io.BufferedWriter(Growing(path, start))
    return file if binary else io.TextIOWrapper(file, encoding="utf-8", newline="")


def check_mark(path: Path, mark: Mark) -> None:
    """Raise BadInput unless the file begins with the bytes of its mark."""
    if not path.is_file():
        raise BadInput(f"{path} is not there, and had {mark[0]} bytes at the checkpoint")
    with open_own(path) as file:
        _checked(file, path, mark)


def _checked(file: Any, path: Path, mark: Mark) -> Any:
    """The SHA-256 of an opened file up to its mark."""
    size, digest = mark
    found, left = hashlib.sha256(), size
    while left and (piece := file.read(min(left, BLOCK))):
        found.update(piece)
        left -= len(piece)
    if left:
        raise BadInput(f"{path} has {size - left} bytes, and had {size} at the checkpoint")
    if found.hexdigest() != digest:
        raise BadInput(f"{path}: damaged: its first {size} bytes are not those that were there at the checkpoint")
    return found


def _raw(file: IO[Any]) -> Growing:
    found: Growing = file.buffer.raw if isinstance(file, io.TextIOWrapper) else file.raw  # type: ignore[attr-defined]
    return found


def mark_of(file: IO[Any]) -> Mark:
    """What has reached the file, also after it was closed."""
    raw = _raw(file)
    return [raw.size, raw.sum.hexdigest()]


def settle(file: IO[Any]) -> Mark:
    """Bring what was written to the disk, unless it is there; return how much that is."""
    file.flush()
    raw = _raw(file)
    if raw.settled != raw.size:
        os.fsync(raw.fileno())
        raw.settled = raw.size
    return mark_of(file)


def close_all(files: list[IO[Any]]) -> None:
    """Close text files; a row that did not fit on the disk is cut off. Raises the first OSError in the end."""
    errors = []
    for file in files:
        try:
            file.close()
        except OSError as error:
            errors.append(error)
        _cut_at_last_line(Path(file.name))
    if errors:
        raise errors[0]


def _cut_at_last_line(path: Path) -> None:
    with path.open("rb") as file:
        end = whole = file.seek(0, os.SEEK_END)
        while whole:
            begin = max(0, whole - BLOCK)
            file.seek(begin)
            found = file.read(whole - begin).rfind(b"\n")
            if found >= 0:
                whole = begin + found + 1
                break
            whole = begin
    if whole < end:
        os.truncate(path, whole)
