"""hl-run report DIR [DIR ...]: the pictures and pages of runs and sweeps that have ended, made from what they left."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from hl_cli.config.messages import format_error
from hl_cli.errors import BadInput
from hl_cli.parallel import called
from hl_cli.reporting.parts import Parts, not_written
from hl_cli.sweeps.joined import rows_of
from hl_cli.sweeps.manifest import FINAL, ManifestFile
from hl_cli.sweeps.pages import write_pages

USAGE = (
    "hl-run report DIR [DIR ...]: folders of runs or of sweeps; makes the pictures and pages that report=light leaves"
)


def main(arguments: Sequence[str]) -> int:
    """Make them; return 1 where some could not be made."""
    if not arguments or any(one.startswith("-") for one in arguments):
        print(USAGE, file=sys.stderr)
        return 1
    try:
        return max(_sweep(folder) if ManifestFile(folder).exists else _run(folder) for folder in map(Path, arguments))
    except KeyboardInterrupt:
        return 130


def _run(folder: Path) -> int:
    """One run; what is wrong with it is said in one line."""
    from hl_cli.runs.remake import remake  # with torch

    try:
        errors = remake(folder).errors
    except (BadInput, OSError) as error:
        print(f"hl-run: {error}", file=sys.stderr)
        return 1
    if errors:
        said = not_written({name: format_error(error) for name, error in errors.items()})
        print(f"hl-run: {folder}: not written: {said}; everything else is there", file=sys.stderr)
        return 1
    print(f"{folder / 'report.html'}, report.md")
    return 0


def _sweep(folder: Path) -> int:
    """Each job that has no report yet, then the page of the sweep, which links to those of the jobs."""
    try:
        code = max([0, *map(_run, _left(folder))])
        rows, book = rows_of([folder])
        parts = Parts(format_error)
        write_pages(folder, rows, book.swept, book.fixed, shlex.join([*called(), "-m", *book.command]), parts)
    except (BadInput, OSError) as error:
        print(f"hl-run: {error}", file=sys.stderr)
        return 1
    if parts.errors:
        print(f"hl-run: {folder}: not written: {not_written(parts.failed)}", file=sys.stderr)
        return 1
    print(f"{folder / 'sweep.html'}")
    return code


def _left(folder: Path) -> Iterator[Path]:
    """The folders of jobs that have ended without their report."""
    from hl_cli.runs.remake import summary_of

    for entry in ManifestFile(folder).read().jobs:
        job = folder / entry.folder
        inside = folder.resolve() in job.resolve().parents
        if entry.status in FINAL and entry.folder and inside and _lacks(summary_of(job)):
            yield job


def _lacks(summary: dict[str, object]) -> bool:
    """A summary of before says nothing, and its run has all."""
    return summary.get("report", "full") != "full" or bool(summary.get("not_written"))
