"""Files in the folder of a run or a sweep: they are opened there and nowhere else.

A folder may come from a stranger. A link in it, or a name with a path in a checkpoint or a ledger, could lead a run to
cut, write or remove files elsewhere.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import IO, Any

from hl_cli.errors import BadInput


def no_link(path: str, flags: int) -> int:
    """An opener for `open`: OSError where the path itself is a link."""
    return os.open(path, flags | os.O_NOFOLLOW, 0o666)


def open_own(path: Path, mode: str = "rb") -> IO[Any]:
    """Open a file that is no link."""
    return open(path, mode, opener=no_link)


def check_own(folder: Path) -> None:
    """Raise BadInput where anything in the folder, however deep, is neither a file nor a folder."""
    for where, folders, files in os.walk(folder):
        for path in (Path(where, name) for name in (*folders, *files)):
            mode = path.lstat().st_mode
            if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
                what = "a link" if stat.S_ISLNK(mode) else "a special file"
                raise BadInput(f"{path}: is {what}; allowed: files and folders, for what goes on here writes into them")


def check_inside(name: object, what: str) -> None:
    """Raise BadInput unless a name is that of a file or folder inside; "" for none."""
    if not isinstance(name, str) or "\0" in name or Path(name).is_absolute() or ".." in Path(name).parts:
        raise BadInput(f"{what} {str(name)[:80]!r}: leads out of its folder; allowed: a name inside")
