"""SHA256SUMS: what a run wrote to the files that grew with it, so that nobody reads anything else.

`sha256sum -c SHA256SUMS` looks at them, and so does everything here that reads them again: the report, its pictures,
the picture of a sweep. The sums are those of the bytes as they were written, not as they are found later.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from hl_cli.errors import BadInput
from hl_cli.reporting.growing import BLOCK, Mark
from hl_cli.reporting.whole import write_whole

FILE = "SHA256SUMS"


def write_sums(folder: Path, marks: dict[str, Mark]) -> None:
    """Write the file, a line a mark; names are paths within the folder."""
    lines = [f"{digest}  {name}\n" for name, (_, digest) in marks.items()]
    write_whole(folder / FILE, "".join(lines).encode())


def check_sum(path: Path) -> None:
    """Raise BadInput where the run that wrote this file told its sum, and the file has another one now."""
    try:
        lines = (path.parent / FILE).read_text(errors="replace").splitlines()
    except FileNotFoundError:  # a run of before there were sums, or one that was broken off
        return
    told = [line.partition("  ")[0] for line in lines if line.partition("  ")[2] == path.name]
    found = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(BLOCK):
            found.update(piece)
    if told and told != [found.hexdigest()]:
        raise BadInput(f"{path}: damaged: its check sum is not the one in {FILE}, of what the run wrote")
