"""The figures of what was learnt: loss and scores, tasks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hl_cli.compare.forgetting import Retention
from hl_cli.compare.metrics import Measure
from hl_cli.compare.window import WINDOW
from hl_cli.reporting import facts
from hl_cli.reporting.columns import Table, read
from hl_cli.reporting.html.scales import signed, ticks
from hl_cli.reporting.html.thinning import plain
from hl_cli.reporting.palette import FEW, Look
from hl_cli.reporting.plots import DECADES, MOST_PERIODS
from hl_cli.reporting.sections import Section
from hl_cli.reporting.shortened import Curves

ENOUGH = 8  # steps that make a smooth curve


def curves(folder: Path, taken: Curves, measure: Measure, arms: Sequence[Look], period: int) -> Section:
    """Loss and scores of all arms: over the last WINDOW steps, of each step, held out. taken: of curves.csv."""
    held_out = read(folder / "evaluation.csv")
    steps = taken.rows
    changes = list(range(period, steps, period)) if period and steps <= MOST_PERIODS * period else []
    figures = [_score(taken, held_out, arms, name) | {"spans": changes} for name in measure.drawn]
    wide, marked = (", ".join(arm.label for arm in arms if getattr(arm, look)) for look in ("wide", "marked"))
    lines = f"{wide} is the wide line{f', {marked} thin with markers' if marked else ''}. " if wide else ""
    words = f"Taken before each update. {lines}Stars are held-out scores."
    hint = "A click on a name of a legend hides it or shows it."
    pictures = [(folder / "curves.png", "loss and scores of all arms over the steps")]
    return Section("curves", "Loss and scores", words, figures, pictures, hint=hint)


def _score(taken: Curves, held_out: Table, arms: Sequence[Look], quantity: str) -> dict[str, Any]:
    names = {arm.name: f"{arm.name}_{quantity}" for arm in arms}
    layers: list[dict[str, Any]] = []
    smooth = quantity in taken.smooth and taken.rows >= ENOUGH
    if smooth:
        layers.append({"data": {**taken.smooth[quantity]}, "lines": [line(arm, arm.label) for arm in arms]})
    lines = [line(arm, f"{arm.label}, each step" if smooth else arm.label, not smooth) for arm in arms]
    for one in lines if smooth else []:
        one |= {"hidden": True, "width": 1, "alpha": 0.55}
    layers.append({"data": {**taken.each[quantity]}, "lines": lines})
    stars = {"step": plain(held_out["step"]), **{k: plain(held_out[name]) for k, name in names.items()}}
    marks = [
        {"column": arm.name, "label": f"{arm.label}, held-out", "color": arm.key, "size": 15 if arm.wide else 8}
        | ({"of": k} if len(arms) > FEW else {})  # goes with its line, so that the legend has room
        for k, arm in enumerate(arms)
    ]
    layers.append({"data": stars, "lines": [], "stars": marks})
    scale: dict[str, Any] = {"scale": "linear"}
    if quantity in taken.lowest:
        low = taken.lowest[quantity]
        scale |= {"reach": [min(1.05 * low - 0.02, -0.02), 1.02]} if low >= -1 else _far_below(layers, list(names), low)
    elif quantity == "loss" and _over_decades(layers[0]["data"], names):
        scale = {"scale": "log"}
    over = f"over the last {WINDOW} steps" if smooth or quantity in taken.lowest else "of each step"
    return {
        "title": f"{quantity}, {over}",
        "y": quantity,
        **scale,
        "layers": layers,
    }


def _far_below(layers: list[dict[str, Any]], names: Sequence[str], low: float) -> dict[str, Any]:
    """Put a ratio that falls far below -1 on a scale on which its good values are still told apart; low: its least."""
    values = np.array([v for layer in layers for k in names for v in layer["data"][k] if v is not None])
    for layer in layers:
        for curve in (*layer["lines"], *layer.get("stars", [])):
            column = np.array(
                [np.nan if v is None else v for v in layer["data"][curve.setdefault("said", curve["column"])]]
            )
            curve["column"] = f"{curve['said']}_at"
            layer["data"][curve["column"]] = plain(signed(column, 1.0))
    least, most = (float(signed(np.float64(end), 1.0)) for end in (1.5 * low, 1.1))
    return {"ticks": ticks(values[values >= 1.5 * low], 1.0), "reach": [least, most]}


def line(arm: Look, label: str, marked: bool = True) -> dict[str, Any]:
    """The line of an arm: the reference's is wide, for others lie on it."""
    look = {"width": 5, "alpha": 0.5} if arm.wide else {"width": 1.6, "alpha": 1.0}
    return {"column": arm.name, "label": label, "color": arm.key, "markers": marked and arm.marked, **look}


def _over_decades(data: dict[str, list[float | None]], names: Iterable[str]) -> bool:
    values = [value for name in names for value in data[name] if value is not None]
    return bool(values) and min(values) > 0 and max(values) / min(values) > DECADES


def tasks(folder: Path, kept: dict[str, Retention], labels: dict[str, str], words: list[str]) -> Section:
    """Held-out scores on each task after each period."""
    figures = []
    for name, of in kept.items():
        names = list(of.scores[0]) if of.scores else []
        values = [plain([row[task] for row in of.scores]) for task in names]
        figures.append(
            {
                "kind": "heat",
                "about": f"held-out {of.metric}",
                "title": f"{labels[name]}: held-out {of.metric} after each period",
                "x": "period",
                "columns": [[k, k] for k in range(1, len(of.scores) + 1)],
                "notes": [f"learnt: {task}" for task in of.trained],
                "rows": names,
                "values": values,
                "scale": "score",
            }
        )
    pictures = [(folder / "tasks.png", "held-out score on each task after each period")]
    said = "".join(f"{sentence}. " for sentence in words) + "The table has the held-out score after each period."
    rows = facts.periods(kept, labels)
    scores = len(rows[0]) - 2 - (len(kept) > 1)
    return Section("tasks", "Tasks over time", said, figures, pictures, rows, scores)
