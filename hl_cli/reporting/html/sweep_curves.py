"""The curves of a sweep, to be zoomed into: a panel a net and stream as in sweep.png, a line an arm and setting."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hl_cli.compare.metrics import POOLED
from hl_cli.reporting.html.thinning import plain, thinned
from hl_cli.reporting.sections import Section
from hl_cli.reporting.shortened import settled
from hl_cli.reporting.sweep_lines import Band, Curves, Line, divergences, panels, reach

MOST_PANELS, MOST_LINES, MOST_NAMED = 12, 60, 12  # of the page, of a panel, and of those in a legend
MOST_TOLD = 12  # runs that diverged
BUCKETS = 60  # of a curve
DASHES: tuple[list[int], ...] = ([], [6, 3], [2, 3], [8, 3, 2, 3])
Row = dict[str, Any]


def curves(
    folder: Path, rows: Sequence[Row], keys: Sequence[str], fixed: Row, told: Sequence[str], picture: Path | None
) -> Section | None:
    """Loss and main score of the last 100 steps over the steps.

    keys, fixed, told: as of `hl_cli.reporting.sweep_figure.draw_sweep`, whose picture stands in where nothing is drawn.
    """
    read = Curves(folder)
    found = list(panels(folder, rows, keys, fixed).items())[:MOST_PANELS]
    most = max((len(line.jobs) for _, lines in found for line in lines), default=0)
    figures = [
        _figure(name, quantity, lines, read)
        for name, lines in found
        for quantity in dict.fromkeys(("loss", *(str(job["main"]) for job in lines[0].jobs if job.get("main"))))
    ]
    if not figures and (picture is None or not picture.exists()):
        return None
    words = ["Over the last 100 steps. The reference is wide and pale; the mouse names a line."] if figures else []
    words += [f"A line is the median of up to {most} repetitions, its band their quartiles."] * (most > 1)
    gone = divergences(rows, told)
    more = f"; and {len(gone) - MOST_TOLD} more" if len(gone) > MOST_TOLD else ""
    words += [f"Diverged, from then on the worst of all: {'; '.join(gone[:MOST_TOLD])}{more}."] * bool(gone)
    about = "loss and scores of all jobs over steps"
    return Section("grid", "Curves", " ".join(words), figures, [(picture, about)] if picture else [])


def _figure(name: str, quantity: str, lines: Sequence[Line], read: Curves) -> dict[str, Any]:
    bands = [(line, of) for line in lines if (of := read.band(line, quantity)) and len(of.steps)]
    approaches = list(dict.fromkeys(line.approach for line in lines))
    layers = [_layer(line, of, DASHES[approaches.index(line.approach) % len(DASHES)]) for line, of in bands]
    named = len(layers) <= MOST_NAMED
    late = settled(max((int(of.steps[-1]) for _, of in bands), default=0)) if quantity in POOLED else 0
    ends = reach([of for _, of in bands], quantity, late)
    shown = {"reach": list(ends[1:]), "scale": "log" if ends[0] else "linear"} if ends else {"scale": "linear"}
    title = f"{name}: {quantity.replace('_', ' ')}" if name else quantity.replace("_", " ")
    layers = [*layers[:MOST_LINES], *(_ends(line, of, ends) for line, of in bands if of.ends)]
    return {"title": title, "y": quantity, "layers": layers, "unnamed": not named, **shown}


def _label(line: Line) -> str:
    return ", ".join(filter(None, (line.setting, line.approach, line.label)))


def _layer(line: Line, of: Band, dash: list[int]) -> dict[str, Any]:
    columns = {"step": of.steps, "y": of.middle}
    look: dict[str, Any] = {"width": 5, "alpha": 0.3} if line.wide else {"width": 1.6, "alpha": 1.0}
    if of.low is not None and of.high is not None:
        columns |= {"low": of.low, "high": of.high}
        look |= {"low": "low", "high": "high"}
    curve = {"column": "y", "label": _label(line), "color": line.color, "dash": dash, **look}
    return {"data": thinned(columns, {name: name for name in columns}, "step", BUCKETS), "lines": [curve]}


def _ends(line: Line, of: Band, ends: tuple[bool, float, float] | None) -> dict[str, Any]:
    """Where repetitions diverged, at the edge where their last score is beyond it."""
    last = [value for _, value in of.ends]
    shown = [min(max(value, ends[1]), ends[2]) for value in last] if ends else last
    data = {"step": plain([step for step, _ in of.ends]), "shown": plain(shown), "last": plain(last)}
    look = {"column": "shown", "said": "last", "color": line.color, "size": 11, "marker": "x"}
    return {"data": data, "lines": [], "stars": [{**look, "label": f"{_label(line)}, diverged"}]}
