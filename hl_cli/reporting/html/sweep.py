"""sweep.html: all jobs of a sweep in a table that sorts and filters, their scores at a glance, and the grid picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import median
from urllib.parse import quote

from hl_cli.reporting.html.page import write_page
from hl_cli.reporting.html.sweep_figures import LABELS, Row, empty, number, sections
from hl_cli.reporting.parts import Parts
from hl_cli.reporting.sweep_table import arms_of, ranked

STATUS = {"done": "good", "diverged": "bad", "failed": "bad", "skipped": "plain", "missing": "fair"}
VERDICT = {"identical": "good", "round_off": "good", "different": "fair", "diverged": "bad", "undecided": "plain"}
FIXED = ("job", "verdict", "main", "judged_by", "max_abs_weight_difference", "folder", "status", "error", "config_hash")
LETTERS = 8  # of a hash
MANY = 1e7  # from here on a number has an exponent
NUMBERS = ("_loss", "_accuracy", "_mae", "_r2", "_error", "_skill", "_character", "_second", "_difference")  # ends


def write_sweep_page(
    folder: Path,
    rows: Sequence[Row],
    parts: Parts,
    picture: Path | None = None,
    command: str = "",
    columns: Sequence[str] = (),
) -> None:
    """Write the page of the jobs into the folder of their sweep.

    rows: of sweep.csv, a dict a job; a key that a job lacks, None and "" are empty cells. columns: their order; those
    of the rows where none is given. picture: the grid figure; command: what started the sweep.
    """
    names = list(columns) or list(dict.fromkeys(key for row in rows for key in row))
    own = tuple(f"{arm}_" for arm in arms_of(rows))
    choices = [name for name in names if name not in FIXED and not name.startswith(own)]
    first = ("job", *choices, "status", "verdict", "error")  # what went wrong is seen without scrolling
    ordered = [*(name for name in first if name in names), *(name for name in names if name not in first)]
    shown = [name for name in ordered if any(not empty(row.get(name)) for row in rows)]
    statuses = list(dict.fromkeys(str(row["status"]) for row in rows))
    write_page(
        folder / "sweep.html",
        "sweep.html.j2",
        parts,
        title=f"Sweep of {len(rows)} job{'s' if len(rows) != 1 else ''}",
        headline=lambda: _headline(rows),
        tone="good" if rows and all(row["status"] == "done" for row in rows) else "fair",
        words=lambda: _words(rows),
        overview=lambda: _overview(rows, names),
        sections=sections(folder, rows, choices, picture),
        columns=[{"label": name.replace("_", " "), "numeric": _numeric(rows, name)} for name in shown],
        rows=[
            {"status": str(row["status"]), "cells": [_cell(folder, row, name) for name in shown]}
            for row in ranked(rows)
        ],
        statuses=statuses,
        command_line=command,
    )  # fmt: skip


def _numeric(rows: Sequence[Row], name: str) -> bool:
    values = [row.get(name) for row in rows if not empty(row.get(name))]
    return bool(values) and all(number(value) is not None for value in values)


def _count(words: Sequence[str]) -> str:
    return ", ".join(f"{words.count(word)} {word}" for word in dict.fromkeys(words))


def _headline(rows: Sequence[Row]) -> str:
    said = _count([str(row["status"]) for row in rows]).replace("_", " ")
    return f"{len(rows)} job{'s' if len(rows) != 1 else ''}: {said}" if rows else "No jobs"


def _words(rows: Sequence[Row]) -> list[str]:
    """What the statuses do not say: the verdicts, and what went wrong."""
    judged = [str(row["verdict"]) for row in rows if not empty(row.get("verdict"))]
    said = [f"Verdicts: {_count(judged).replace('round_off', 'round-off')}."] if judged else []
    wrong = [row for row in rows if not empty(row.get("error")) and row["status"] != "skipped"]
    return said + [f"Job {row['job']} {row['status']}: {row['error']}" for row in wrong[:10]]


def _overview(rows: Sequence[Row], names: Sequence[str]) -> list[list[str]]:
    """Least, median and largest of each number that the arms have, and of the weight difference."""
    arms = arms_of(rows)
    table = [["", *(cell for arm in arms for cell in (f"{LABELS.get(arm, arm)} least", "median", "most"))]]
    for name in names:
        if not name.startswith(f"{arms[0]}_"):
            continue
        score = name.removeprefix(f"{arms[0]}_")
        found = [[number(row.get(f"{arm}_{score}")) for row in rows] for arm in arms]
        if any(value is not None for of in found for value in of):
            table.append([score.replace("_", " "), *(cell for of in found for cell in _spread(of))])
    apart = [number(row.get("max_abs_weight_difference")) for row in rows]
    if any(value is not None for value in apart):
        table.append(["largest weight difference", *_spread(apart), *[""] * 3 * (len(arms) - 1)])
    return table


def _spread(values: Sequence[float | None]) -> list[str]:
    found = [value for value in values if value is not None]
    return [_said(of(found)) for of in (min, median, max)] if found else ["", "", ""]


def _said(value: float) -> str:
    return f"{value:,.0f}" if 1000 <= abs(value) < MANY else f"{value:.4g}"


def _cell(folder: Path, row: Row, name: str) -> dict[str, str]:
    value = row.get(name)
    cell = {"value": "" if empty(value) else str(value), "text": "", "link": "", "tone": "", "kind": ""}
    if empty(value):
        return cell
    found = None if isinstance(value, str) and not name.endswith(NUMBERS) else number(value)
    cell["text"] = str(value) if found is None or isinstance(value, int) else _said(found)
    if name in ("status", "verdict"):
        cell["tone"] = (STATUS if name == "status" else VERDICT).get(str(value), "plain")
    elif name == "error":
        cell["kind"] = "words"
    elif name == "config_hash":
        cell["text"] = str(value)[:LETTERS]
    elif name == "folder" or (name == "job" and not empty(row.get("folder"))):
        page = Path(str(row["folder"])) / "report.html"
        inside = folder / page
        if inside.exists():
            cell["link"] = quote(page.as_posix()) if not page.is_absolute() else inside.as_uri()
    if found is not None and name != "job":
        cell["kind"] = "number"
    return cell
