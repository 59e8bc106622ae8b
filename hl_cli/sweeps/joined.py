"""hl-run study DIR [DIR ...]: the tables of a study made again from what is on the disk, of one sweep or of several."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from hl_cli.errors import BadInput
from hl_cli.reporting.sweep_table import Row, arms_of
from hl_cli.studies.tables import CSV, PAGE, write_study
from hl_cli.sweeps.identity import difference
from hl_cli.sweeps.manifest import FILE, ManifestFile

USAGE = "hl-run study DIR [DIR ...]: folders of sweeps; study.csv and study.md are written into the first"


def rows_of(folders: Sequence[Path]) -> tuple[list[Row], list[str]]:
    """The rows of all sweeps, each config once, and the swept keys; raises BadInput unless they are of one study."""
    books = []
    for folder in folders:
        ledger = ManifestFile(folder)
        if not ledger.exists:
            raise BadInput(f"{folder}: is no sweep, it has no {FILE}; allowed: the folders of sweeps")
        books.append(ledger.read())
    first, *others = books
    swept = list(dict.fromkeys(key for book in books for key in book.swept))
    for folder, book in zip(folders[1:], others, strict=True):
        apart = difference(first.base, book.base, swept)
        if apart:
            raise BadInput(f"{folder} and {folders[0]} are of different studies: {apart}")
    found: dict[str, Row] = {}
    for book in books:
        book.swept = swept
        for row in book.rows():
            found.setdefault(row["config_hash"] or f"job {len(found)}", row)
    return list(found.values()), swept


def main(arguments: Sequence[str]) -> int:
    """Write the tables; return the exit code."""
    if not arguments or any(one.startswith("-") for one in arguments):
        print(USAGE, file=sys.stderr)
        return 1
    folders = [Path(one) for one in arguments]
    try:
        rows, swept = rows_of(folders)
        if not any(row["status"] in ("done", "diverged") for row in rows):
            raise BadInput(f"{folders[0]}: no job has ended yet, so there is nothing to tell")
        write_study(folders[0], rows, swept, arms_of(rows))
    except (BadInput, OSError) as error:
        print(f"hl-run: {error}", file=sys.stderr)
        return 1
    print((folders[0] / PAGE).read_text(), end="")
    print(f"\n{len(rows)} jobs: {folders[0] / PAGE}, {CSV}")
    return 0
