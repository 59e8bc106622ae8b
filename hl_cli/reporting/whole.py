"""Files that are whole or not there. What lies where they are written first goes, also a link to elsewhere."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A path beside the wanted one to write to; it takes the wanted name at the end, or goes where that fails."""
    temporary = path.with_name(f"{path.name}.tmp")
    temporary.unlink(missing_ok=True)
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_whole(path: Path, *parts: bytes | memoryview) -> None:
    """A file that is on the disk when it takes its name; raises OSError, and nothing has changed then."""
    with whole(path) as temporary, temporary.open("xb") as file:
        for part in parts:
            file.write(part)
        file.flush()
        os.fsync(file.fileno())


def write_text(path: Path, text: str) -> None:
    """A file of text."""
    with whole(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
