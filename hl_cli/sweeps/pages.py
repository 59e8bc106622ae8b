"""sweep.png and sweep.html of the rows of a sweep, or of several that make one study."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hl_cli.reporting.parts import Parts
from hl_cli.reporting.sweep_table import arms_of, columns
from hl_cli.studies.board import sortable
from hl_cli.studies.study import judged_rows, shown_keys, study_of


def write_pages(
    folder: Path,
    rows: Sequence[dict[str, Any]],
    swept: Sequence[str],
    fixed: dict[str, str],
    command: str,
    parts: Parts,
) -> None:
    """Draw the curves and write the page; what fails of it is left to `parts`. fixed: as of `Manifest.fixed`."""
    from hl_cli.reporting.html.sweep import write_sweep_page
    from hl_cli.reporting.html.sweep_curves import curves  # with torch and matplotlib, which no job waits for

    judged, tuned = judged_rows(rows)
    keys = shown_keys(swept, tuned)
    told = [*keys, *(key for key in swept if key == "seed")]
    drawn, picture = (judged, keys, fixed, told), None
    if any(row.get("verdict") for row in rows):
        from hl_cli.reporting.sweep_figure import draw_sweep

        picture = parts.make("sweep.png", lambda: draw_sweep(folder, *drawn), None)
    study = parts.make("study", lambda: sortable(study_of(rows, swept, arms_of(rows)), _score(rows)), None)
    page = (folder, rows, parts, picture, command, columns(rows, swept), study)
    parts.make("sweep.html", lambda: write_sweep_page(*page, lambda: curves(folder, *drawn, picture)), None)


def _score(rows: Sequence[dict[str, Any]]) -> str:
    """The score by which the jobs are judged, where it is one."""
    scores = {str(row["judged_by"]) for row in rows if row.get("judged_by")}
    return scores.pop() if len(scores) == 1 else ""
