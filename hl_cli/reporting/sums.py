"""SHA256SUMS: what a run wrote to its CSV files and TensorBoard's, so that nobody reads anything else.

`sha256sum -c SHA256SUMS` looks at them, and so does everything here that reads them again: the report, its pictures,
the picture of a sweep, and `resume=` before it says that a run has finished. The sums of files that grew are those of
the bytes as they were written, not as they are found later.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

from hl_cli.errors import BadInput
from hl_cli.reporting.growing import BLOCK, Mark
from hl_cli.reporting.own_files import check_inside, open_own
from hl_cli.reporting.whole import write_whole

FILE = "SHA256SUMS"


def write_sums(folder: Path, marks: dict[str, Mark]) -> None:
    """Write the file, a line a mark; names are paths within the folder."""
    lines = [f"{digest}  {name}\n" for name, (_, digest) in marks.items()]
    write_whole(folder / FILE, "".join(lines).encode())


def add_sums(folder: Path, names: Iterable[str]) -> None:
    """Add the sums of files that have just been written once; those that are not there are left out."""
    lines = [f"{_digest(folder / name)}  {name}\n" for name in names if (folder / name).is_file()]
    write_whole(folder / FILE, (folder / FILE).read_bytes(), "".join(lines).encode())


def check_sum(path: Path) -> None:
    """Raise BadInput where the run that wrote this file told its sum, and the file has another one now."""
    _check(path, _told(path.parent).get(path.name))


def _check(path: Path, told: str | None) -> None:
    if told is not None and told != _digest(path):
        raise BadInput(f"{path}: damaged: its check sum is not the one in {FILE}, of what the run wrote")


def check_sums(folder: Path) -> None:
    """Raise BadInput for the first file whose sum was told, and that is gone or has another one now."""
    for name, told in _told(folder).items():
        path = folder / name
        if not path.is_file():
            raise BadInput(f"{path} is not there, and the run wrote it")
        _check(path, told)


def _told(folder: Path) -> dict[str, str]:
    """The sums by the name of their file; none of a run of before there were sums, or one that was broken off."""
    try:
        with open_own(folder / FILE) as file:
            lines = file.read().decode(errors="replace").splitlines()
    except FileNotFoundError:
        return {}
    found = {}
    for number, line in enumerate(lines, start=1):
        match = re.fullmatch(r"([0-9a-f]{64})  (.+)", line)
        if not match:
            raise BadInput(f"{folder / FILE}: damaged: line {number} is no check sum and name of a file")
        check_inside(match[2], f"{folder / FILE}: line {number}: file")
        found[match[2]] = match[1]
    return found


def _digest(path: Path) -> str:
    found = hashlib.sha256()
    with open_own(path) as file:
        while piece := file.read(BLOCK):
            found.update(piece)
    return found.hexdigest()
