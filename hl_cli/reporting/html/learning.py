"""The figures of what was learnt: loss and scores, the differences of the weights, tasks."""

from __future__ import annotations

from array import array
from pathlib import Path
from typing import Any

import numpy as np

from hl_cli.compare.forgetting import Retention
from hl_cli.compare.metrics import WINDOW, Measure
from hl_cli.reporting.console import NAMES
from hl_cli.reporting.html.page import Section
from hl_cli.reporting.html.scales import signed, ticks
from hl_cli.reporting.html.thinning import plain, stretches, thinned
from hl_cli.reporting.plots import DECADES, MOST_PERIODS
from hl_cli.reporting.tables import read

ENOUGH = 8  # running scores that make a curve
ROWS = 60  # of the heat map of the tensors
PAIR = ("pytorch", "hl")  # in the order of drawing: the thin line on the wide one
Table = dict[str, "array[float]"]


def curves(folder: Path, measure: Measure, period: int) -> Section:
    """Loss and scores of both learners: over the last WINDOW steps, of each step, held out."""
    each, running, held_out = (read(folder / f"{name}.csv") for name in ("curves", "running", "evaluation"))
    steps = len(each["step"])
    changes = list(range(period, steps, period)) if period and steps <= MOST_PERIODS * period else []
    figures = [
        _score(each, running, held_out, name, name in measure.pooled) | {"spans": changes} for name in measure.drawn
    ]
    words = (
        "Taken before each update. PyTorch is the wide red line, HL the thin blue one with markers, stars are held-out "
        "scores. A click on a name of a legend hides it or shows it."
    )
    about = "loss and scores of both learners over the steps"
    return Section("curves", "Loss and scores", words, figures, folder / "curves.png", about)


def _score(each: Table, running: Table, held_out: Table, quantity: str, pooled: bool) -> dict[str, Any]:
    names = {learner: f"{learner}_{quantity}" for learner in PAIR}
    layers: list[dict[str, Any]] = []
    smooth = not pooled and len(running["step"]) >= ENOUGH
    if smooth:
        data = thinned(running, {"step": "step", **{k: f"window_{name}" for k, name in names.items()}}, "step")
        layers.append({"data": data, "lines": [line(k, NAMES[k], k, k == "hl") for k in PAIR]})
    data = thinned(each, {"step": "step", **names}, "step")
    lines = [line(k, f"{NAMES[k]}, each step" if smooth else NAMES[k], k, k == "hl" and not smooth) for k in PAIR]
    for one in lines if smooth else []:
        one |= {"hidden": True, "width": 1, "alpha": 0.55}
    layers.append({"data": data, "lines": lines})
    stars = {"step": plain(held_out["step"]), **{k: plain(held_out[name]) for k, name in names.items()}}
    marks = [
        {"column": k, "label": f"{NAMES[k]}, held-out", "color": k, "size": 15 if k == "pytorch" else 8} for k in PAIR
    ]
    layers.append({"data": stars, "lines": [], "stars": marks})
    scale: dict[str, Any] = {"scale": "linear"}
    if pooled and min((v for layer in layers for k in PAIR for v in layer["data"][k] if v is not None), default=0) < -1:
        scale |= _far_below(layers)
    elif quantity == "loss" and _over_decades(layers[0]["data"]):
        scale = {"scale": "log"}
    over = f"over the last {WINDOW} steps" if smooth or pooled else "of each step"
    return {
        "title": f"{quantity}, {over}",
        "y": quantity,
        **scale,
        "layers": layers,
    }


def _far_below(layers: list[dict[str, Any]]) -> dict[str, Any]:
    """Put a ratio that falls far below -1 on a scale on which its good values are still told apart."""
    values = np.array([v for layer in layers for k in PAIR for v in layer["data"][k] if v is not None])
    for layer in layers:
        for curve in (*layer["lines"], *layer.get("stars", [])):
            column = np.array(
                [np.nan if v is None else v for v in layer["data"][curve.setdefault("said", curve["column"])]]
            )
            curve["column"] = f"{curve['said']}_at"
            layer["data"][curve["column"]] = plain(signed(column, 1.0))
    return {"ticks": ticks(values, 1.0)}


def line(column: str, label: str, color: str, marked: bool = False) -> dict[str, Any]:
    """A learner's line: PyTorch's is wide, for HL's lies on it."""
    wide = column == "pytorch"
    look = {"width": 5, "alpha": 0.5} if wide else {"width": 1.6, "alpha": 1.0}
    return {"column": column, "label": label, "color": color, "markers": marked, **look}


def _over_decades(data: dict[str, list[float | None]]) -> bool:
    values = [value for name in PAIR for value in data[name] if value is not None]
    return bool(values) and min(values) > 0 and max(values) / min(values) > DECADES


def weight_difference(folder: Path, floor: dict[int, float] | None) -> Section:
    """How far the weights are apart: all together over time, and tensor by tensor as a heat map."""
    table = read(folder / "weight_difference.csv")
    steps = len(table["step"])
    section = Section("weights", "Differences of the weights")
    if not steps:
        section.words = "No step was compared."
        return section
    if not any(ulp > 0 for ulp in table["max_ulp"]):
        section.words = (
            f"Every weight of HL equals PyTorch's, bit for bit, at all {steps} measured steps "
            f"({int(table['step'][0])} to {int(table['step'][-1])}): there is nothing to draw."
        )
        return section
    gaps = np.array(table["max_abs"])
    shown = {"step": table["step"], "largest": np.where(gaps > 0, gaps, np.nan)}
    data = thinned(shown, {"step": "step", "largest": "largest"}, "step")
    apart = {"column": "largest", "label": "largest weight difference", "color": "hl", "width": 1.6, "alpha": 1.0}
    layers: list[dict[str, Any]] = [{"data": data, "lines": [apart]}]
    if floor:
        pairs = {"step": plain(list(floor)), "floor": plain([v if v > 0 else np.nan for v in floor.values()])}
        noise = {"column": "floor", "label": "noise floor", "color": "quiet", "width": 2, "alpha": 1.0, "dash": [6, 4]}
        layers.append({"data": pairs, "lines": [noise]})
    section.figures = [
        {"title": "largest weight difference", "y": "max |HL - PyTorch|", "scale": "log", "layers": layers},
        _tensors(read(folder / "tensor_difference.csv")),
    ]
    section.words = (
        "The largest of all weights, with the noise floor where it is known: two PyTorch runs started one ulp apart. "
        "Then tensor by tensor: an empty cell is equal bit for bit, a stretch of steps shows its largest value."
    )
    section.picture = folder / "tensor_difference.png"
    section.about_picture = "largest weight difference of each tensor over the steps"
    return section


def _tensors(table: Table) -> dict[str, Any]:
    steps, names = np.array(table["step"]), [name for name in table if name != "step"]
    grid = np.array([table[name] for name in names])
    starts, cells = stretches(grid)
    largest = np.argsort(-grid.max(1), kind="stable")[:ROWS]
    rows = sorted(int(k) for k in largest)
    ends = [*starts[1:], len(steps)]
    return {
        "kind": "heat",
        "title": "largest difference of each tensor"
        + (f", the {ROWS} largest of {len(names)}" if len(names) > ROWS else ""),
        "x": "step",
        "columns": [[int(steps[a]), int(steps[b - 1])] for a, b in zip(starts, ends, strict=True)],
        "rows": [names[k] for k in rows],
        "values": [plain([value if value > 0 else np.nan for value in cells[k]]) for k in rows],
        "scale": "log",
    }


def tasks(folder: Path, kept: dict[str, Retention], words: list[str]) -> Section:
    """Held-out scores on each task after each period."""
    figures = []
    for name, of in kept.items():
        names = list(of.scores[0]) if of.scores else []
        values = [plain([row[task] for row in of.scores]) for task in names]
        figures.append(
            {
                "kind": "heat",
                "title": f"{NAMES[name]}: held-out {of.metric} after each period",
                "x": "period",
                "columns": [[k, k] for k in range(1, len(of.scores) + 1)],
                "notes": [f"learnt: {task}" for task in of.trained],
                "rows": names,
                "values": values,
                "scale": "score",
            }
        )
    about = "held-out score on each task after each period"
    return Section("tasks", "Tasks over time", " ".join(words), figures, folder / "tasks.png", about)
