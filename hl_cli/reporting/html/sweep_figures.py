"""The figures of a sweep's page: the curves of its jobs, and their scores at a glance."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from hl_cli.reporting.html.thinning import plain
from hl_cli.reporting.palette import key_of
from hl_cli.reporting.sections import Section
from hl_cli.reporting.sweep_table import arms_of, label_of, score_of

Row = dict[str, Any]


def empty(value: Any) -> bool:
    """Whether a cell has nothing to show."""
    return value is None or value == "" or (isinstance(value, float) and not math.isfinite(value))


def number(value: Any) -> float | None:
    """A number of a row, which may come as text from sweep.csv."""
    try:
        found = float(value)
    except (TypeError, ValueError):
        return None
    return found if math.isfinite(found) else None


def sections(
    rows: Sequence[Row], choices: Sequence[str], curves: Callable[[], Section | None]
) -> list[tuple[str, Callable[[], Section | None]]]:
    """All sections of the page, each to be made by itself; choices: the swept keys."""
    return [("curves", curves), ("scores of all jobs", lambda: _scores(rows, choices))]


def _scores(rows: Sequence[Row], choices: Sequence[str]) -> Section | None:
    numbered = [row for row in rows if any(number(row.get(f"{of}_final_loss")) is not None for of in arms_of(rows))]
    if not numbered:
        return None
    words = "A mark a job and arm: the reference is the wide ring, another arm the dot in it where they agree."
    figures = [
        _dots(numbered, choices, name, label)
        for name, label in (("final_loss", "loss, last steps"), _judged_by(numbered))
        if any(number(row.get(f"{of}_{name}")) is not None for row in numbered for of in arms_of(rows))
    ]
    return Section("scores", "Scores of all jobs", words, figures)


def _judged_by(rows: Sequence[Row]) -> tuple[str, str]:
    """The score that ranks the jobs, and what it is over; the held-out loss where they are not of one kind."""
    scores = {str(row["judged_by"]) for row in rows if not empty(row.get("judged_by"))}
    score = scores.pop() if len(scores) == 1 else "held_out_loss"
    return score, "over all steps" if score.startswith("cumulative") else "held-out"


def _dots(rows: Sequence[Row], choices: Sequence[str], name: str, label: str) -> dict[str, Any]:
    quantity = name.replace("final_", "").replace("held_out_", "").replace("cumulative_", "").replace("_", " ")
    pairs = {of: [number(score_of(row, of, name)) for row in rows] for of in arms_of(rows)}
    values = [value for of in pairs.values() for value in of if value is not None]
    log = quantity == "loss" and bool(values) and min(values) > 0 and max(values) / min(values) > 200
    columns = {of: plain([math.nan if value is None else value for value in pairs[of]]) for of in arms_of(rows)}
    about = [", ".join(f"{key} {row[key]}" for key in choices if not empty(row.get(key))) for row in rows]
    reference = next((row["reference"] for row in rows if row.get("reference")), "pytorch")
    wide, dot = {"size": 15, "alpha": 0.25, "marker": "circle"}, {"size": 7, "alpha": 1.0, "marker": "circle"}
    marks = [
        {"column": arm, "label": label_of(rows, arm), "color": key_of(arm, list(pairs))}
        | (wide if arm == reference else dot)
        for arm in sorted(pairs, key=lambda arm: arm != reference)
    ]
    return {
        "kind": "dots", "title": f"{label}: {quantity}" if quantity not in label else label, "x": "job", "y": quantity,
        "scale": "log" if log else "linear", "data": {"job": [row["job"] for row in rows], "about": about, **columns},
        "marks": marks,
    }  # fmt: skip
