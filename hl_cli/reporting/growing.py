"""Files that grow while a run goes on, and that can be gone on with at any byte."""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO, Any

BLOCK = 2**16  # bytes


def grow(path: Path, start: int | None, binary: bool = False) -> IO[Any]:
    """Open a new file, or go on with one after its first `start` bytes; what lies behind them goes."""
    if start is not None:
        os.truncate(path, start)
    mode = "w" if start is None else "a"
    return path.open(f"{mode}b") if binary else path.open(mode, newline="", encoding="utf-8")


def settle(file: IO[Any]) -> int:
    """Bring what was written to the disk; return how many bytes the file has."""
    file.flush()
    os.fsync(file.fileno())
    return os.fstat(file.fileno()).st_size


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
