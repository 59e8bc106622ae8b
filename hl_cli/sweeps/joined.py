"""hl-run study DIR [DIR ...]: tables and pages of a study made again from the disk, of one sweep or of several."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from hl_cli.config.messages import format_error
from hl_cli.errors import BadInput
from hl_cli.parallel import called
from hl_cli.reporting.parts import Parts, not_written
from hl_cli.reporting.sweep_table import Row, arms_of
from hl_cli.studies.tables import CSV, PAGE, write_study
from hl_cli.sweeps.identity import difference
from hl_cli.sweeps.manifest import FILE, Manifest, ManifestFile
from hl_cli.sweeps.pages import write_pages

USAGE = "hl-run study DIR [DIR ...]: folders of sweeps; tables and pages of the study are written into the first"


def rows_of(folders: Sequence[Path]) -> tuple[list[Row], Manifest]:
    """The rows of all sweeps, each config once, and the book of the first with the swept keys of all.

    Folders of jobs are told from the first sweep. Raises BadInput unless all are of one study.
    """
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
    for folder, book in zip(folders, books, strict=True):
        book.swept = swept
        for row in book.rows():
            if row["folder"] and folder != folders[0]:
                row["folder"] = os.path.relpath(folder / row["folder"], folders[0])
            found.setdefault(row["config_hash"] or f"job {len(found)}", row)
    return list(found.values()), first


def main(arguments: Sequence[str]) -> int:
    """Write the tables; return the exit code."""
    if not arguments or any(one.startswith("-") for one in arguments):
        print(USAGE, file=sys.stderr)
        return 1
    folders = [Path(one) for one in arguments]
    try:
        rows, book = rows_of(folders)
        if not any(row["status"] in ("done", "diverged") for row in rows):
            raise BadInput(f"{folders[0]}: no job has ended yet, so there is nothing to tell")
        write_study(folders[0], rows, book.swept, arms_of(rows), book.show)
        again = ["-m", *book.command] if len(folders) == 1 else ["study", *map(str, folders)]
        command, parts = shlex.join([*called(), *again]), Parts(format_error)
        write_pages(folders[0], rows, book.swept, book.fixed, command, parts)
    except (BadInput, OSError) as error:
        print(f"hl-run: {error}", file=sys.stderr)
        return 1
    print((folders[0] / PAGE).read_text(), end="")
    print(f"\n{len(rows)} jobs: {folders[0] / PAGE}, {CSV}, sweep.html")
    if parts.errors:
        print(f"hl-run: not written: {not_written(parts.failed)}", file=sys.stderr)
    return int(bool(parts.errors))
