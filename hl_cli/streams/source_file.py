"""A file of the user that a stream reads piece by piece, and that must stay as it is while a run reads it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from hl_cli.errors import BadInput

SHOWN = 40  # characters of a cell that a message repeats


def shown(text: str) -> str:
    """Quote a text of the file in one line, shortened."""
    return repr(text if len(text) <= SHOWN else text[:SHOWN] + "...")


class SourceFile:
    """path: the value of GROUP.path, stream.path unless said; allowed: what the file should be, for messages.

    location: where it is; size: bytes.

    Raises BadInput where it is missing, a folder, not readable, empty, or changed since it was first looked at.
    """

    def __init__(self, path: str, allowed: str, group: str = "stream") -> None:
        self.path, self._allowed, self.group, self.location = path, allowed, group, Path(path).absolute()
        try:
            found = self.location.stat()
        except (OSError, ValueError) as error:
            raise self._unreadable(error) from None
        if not stat.S_ISREG(found.st_mode):
            what = "is a folder" if stat.S_ISDIR(found.st_mode) else "is not a regular file"
            raise self.bad(f"{what}; allowed: {allowed}")
        if not found.st_size:
            raise self.bad(f"is empty; allowed: {allowed}")
        self.name, self.size, self._changed = self.location.name, found.st_size, found.st_mtime_ns

    def bad(self, what: str) -> BadInput:
        """Say what is wrong with the file."""
        return BadInput(f"{self.group}.path={self.path if self.path.isprintable() else repr(self.path)}: {what}")

    def _unreadable(self, error: Exception) -> BadInput:
        reason = getattr(error, "strerror", None) or str(error)
        return self.bad(f"cannot be read: {reason}; allowed: {self._allowed}")

    @contextmanager
    def at(self, offset: int) -> Iterator[BinaryIO]:
        """Open the file at a byte offset. It is opened anew for each piece, so that none is left open."""
        try:
            with self.location.open("rb") as file:
                found = os.fstat(file.fileno())
                if (found.st_size, found.st_mtime_ns) != (self.size, self._changed):
                    raise self.bad("has changed on disk since the run began; allowed: a file that stays as it is")
                file.seek(offset)
                yield file
        except OSError as error:
            raise self._unreadable(error) from None

    def same_size(self, size: int) -> None:
        """Raise BadInput where a saved state belongs to a file of another size."""
        if size != self.size:
            raise self.bad(f"has {self.size} bytes, {size} when the state was saved; allowed: the same file")
