"""sweep.html: all jobs of a sweep in a table that sorts and filters, their scores at a glance, and the grid picture."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import quote

from hl_cli.reporting.html.page import Section, write_page
from hl_cli.reporting.html.thinning import plain
from hl_cli.reporting.palette import key_of
from hl_cli.reporting.parts import Parts
from hl_cli.reporting.sweep_table import arms_of, ranked

STATUS = {"done": "good", "diverged": "bad", "failed": "bad", "skipped": "plain", "missing": "fair"}
VERDICT = {"identical": "good", "round_off": "good", "different": "fair", "diverged": "bad", "undecided": "plain"}
FIXED = ("job", "verdict", "main", "judged_by", "max_abs_weight_difference", "folder", "status", "error", "config_hash")
LETTERS = 8  # of a hash
LABELS = {"hl": "HL", "pytorch": "PyTorch"}
MANY = 1e7  # from here on a number has an exponent
NUMBERS = ("_loss", "_accuracy", "_mae", "_r2", "_error", "_skill", "_character", "_second", "_difference")  # ends
Row = dict[str, Any]


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
    shown = [name for name in ordered if any(not _empty(row.get(name)) for row in rows)]
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
        sections=_sections(rows, choices, picture),
        columns=[{"label": name.replace("_", " "), "numeric": _numeric(rows, name)} for name in shown],
        rows=[
            {"status": str(row["status"]), "cells": [_cell(folder, row, name) for name in shown]}
            for row in ranked(rows)
        ],
        statuses=statuses,
        command_line=command,
    )  # fmt: skip


def _empty(value: Any) -> bool:
    return value is None or value == "" or (isinstance(value, float) and not math.isfinite(value))


def _number(value: Any) -> float | None:
    """A number of a row, which may come as text from sweep.csv."""
    try:
        found = float(value)
    except (TypeError, ValueError):
        return None
    return found if math.isfinite(found) else None


def _numeric(rows: Sequence[Row], name: str) -> bool:
    values = [row.get(name) for row in rows if not _empty(row.get(name))]
    return bool(values) and all(_number(value) is not None for value in values)


def _count(words: Sequence[str]) -> str:
    return ", ".join(f"{words.count(word)} {word}" for word in dict.fromkeys(words))


def _headline(rows: Sequence[Row]) -> str:
    said = _count([str(row["status"]) for row in rows]).replace("_", " ")
    return f"{len(rows)} job{'s' if len(rows) != 1 else ''}: {said}" if rows else "No jobs"


def _words(rows: Sequence[Row]) -> list[str]:
    """What the statuses do not say: the verdicts, and what went wrong."""
    judged = [str(row["verdict"]) for row in rows if not _empty(row.get("verdict"))]
    said = [f"Verdicts: {_count(judged).replace('round_off', 'round-off')}."] if judged else []
    wrong = [row for row in rows if not _empty(row.get("error")) and row["status"] != "skipped"]
    return said + [f"Job {row['job']} {row['status']}: {row['error']}" for row in wrong[:10]]


def _overview(rows: Sequence[Row], names: Sequence[str]) -> list[list[str]]:
    """Least, median and largest of each number that the arms have, and of the weight difference."""
    arms = arms_of(rows)
    table = [["", *(cell for arm in arms for cell in (f"{LABELS.get(arm, arm)} least", "median", "most"))]]
    for name in names:
        if not name.startswith(f"{arms[0]}_"):
            continue
        score = name.removeprefix(f"{arms[0]}_")
        found = [[_number(row.get(f"{arm}_{score}")) for row in rows] for arm in arms]
        if any(value is not None for of in found for value in of):
            table.append([score.replace("_", " "), *(cell for of in found for cell in _spread(of))])
    apart = [_number(row.get("max_abs_weight_difference")) for row in rows]
    if any(value is not None for value in apart):
        table.append(["largest weight difference", *_spread(apart), *[""] * 3 * (len(arms) - 1)])
    return table


def _spread(values: Sequence[float | None]) -> list[str]:
    found = [value for value in values if value is not None]
    return [_said(of(found)) for of in (min, median, max)] if found else ["", "", ""]


def _said(value: float) -> str:
    return f"{value:,.0f}" if 1000 <= abs(value) < MANY else f"{value:.4g}"


def _sections(
    rows: Sequence[Row], choices: Sequence[str], picture: Path | None
) -> list[tuple[str, Callable[[], Section | None]]]:
    return [("curves", lambda: _grid(picture)), ("scores of all jobs", lambda: _scores(rows, choices))]


def _grid(picture: Path | None) -> Section | None:
    if picture is None or not picture.exists():
        return None
    return Section("grid", "Curves", picture=picture, about_picture="loss and scores of all jobs over steps")


def _scores(rows: Sequence[Row], choices: Sequence[str]) -> Section | None:
    numbered = [row for row in rows if any(_number(row.get(f"{of}_final_loss")) is not None for of in arms_of(rows))]
    if not numbered:
        return None
    words = "A mark a job: PyTorch the wide ring, HL the dot in it where they agree."
    figures = [
        _dots(numbered, choices, name, label)
        for name, label in (("final_loss", "loss, last steps"), _judged_by(numbered))
        if any(_number(row.get(f"{of}_{name}")) is not None for row in numbered for of in arms_of(rows))
    ]
    return Section("scores", "Scores of all jobs", words, figures)


def _judged_by(rows: Sequence[Row]) -> tuple[str, str]:
    """The score that ranks the jobs, and what it is over; the held-out loss where they are not of one kind."""
    scores = {str(row["judged_by"]) for row in rows if not _empty(row.get("judged_by"))}
    score = scores.pop() if len(scores) == 1 else "held_out_loss"
    return score, "over all steps" if score.startswith("cumulative") else "held-out"


def _dots(rows: Sequence[Row], choices: Sequence[str], name: str, label: str) -> dict[str, Any]:
    quantity = name.replace("final_", "").replace("held_out_", "").replace("cumulative_", "").replace("_", " ")
    pairs = {of: [_number(row.get(f"{of}_{name}")) for row in rows] for of in arms_of(rows)}
    values = [value for of in pairs.values() for value in of if value is not None]
    log = quantity == "loss" and bool(values) and min(values) > 0 and max(values) / min(values) > 200
    columns = {of: plain([math.nan if value is None else value for value in pairs[of]]) for of in arms_of(rows)}
    about = [", ".join(f"{key} {row[key]}" for key in choices if not _empty(row.get(key))) for row in rows]
    wide, dot = {"size": 15, "alpha": 0.25, "marker": "circle"}, {"size": 7, "alpha": 1.0, "marker": "circle"}
    marks = [
        {"column": arm, "label": LABELS.get(arm, arm), "color": key_of(arm, list(pairs))}
        | (wide if arm == "pytorch" else dot)
        for arm in sorted(pairs, key=lambda arm: arm != "pytorch")
    ]
    return {
        "kind": "dots", "title": f"{label}: {quantity}" if quantity not in label else label, "x": "job", "y": quantity,
        "scale": "log" if log else "linear", "data": {"job": [row["job"] for row in rows], "about": about, **columns},
        "marks": marks,
    }  # fmt: skip


def _cell(folder: Path, row: Row, name: str) -> dict[str, str]:
    value = row.get(name)
    cell = {"value": "" if _empty(value) else str(value), "text": "", "link": "", "tone": "", "kind": ""}
    if _empty(value):
        return cell
    number = None if isinstance(value, str) and not name.endswith(NUMBERS) else _number(value)
    cell["text"] = str(value) if number is None or isinstance(value, int) else _said(number)
    if name in ("status", "verdict"):
        cell["tone"] = (STATUS if name == "status" else VERDICT).get(str(value), "plain")
    elif name == "error":
        cell["kind"] = "words"
    elif name == "config_hash":
        cell["text"] = str(value)[:LETTERS]
    elif name == "folder" or (name == "job" and not _empty(row.get("folder"))):
        page = Path(str(row["folder"])) / "report.html"
        inside = folder / page
        if inside.exists():
            cell["link"] = quote(page.as_posix()) if not page.is_absolute() else inside.as_uri()
    if number is not None and name != "job":
        cell["kind"] = "number"
    return cell
