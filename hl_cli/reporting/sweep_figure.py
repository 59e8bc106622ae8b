"""sweep.png: loss and score of jobs over their steps. A panel a net and stream, a colour a scenario, a marker a split.

PyTorch is a wide line of its own. Where all lie on each other, as they should, one line bears the markers of all, set
side by side.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from hl_cli.reporting.canvas import canvas
from hl_cli.reporting.sweep_pivot import layout, panel_of, value_of
from hl_cli.reporting.sweep_table import Row, tally
from hl_cli.reporting.tables import read

COLORS = ("#00477f", "#d1495b", "#2f9c6a", "#e3962d", "#7b5ea7", "#4aa3c7", "#8c6d46", "#c77daa")
MARKERS = ("o", "s", "^", "D", "v", "P", "*", "h")
PYTORCH = "x"
MOST_PANELS, MOST_NAMED = 24, 8
EACH = 3  # markers of an approach on a curve
DECADES = 50  # a loss over so many times its least is on a logarithmic scale
HIGHEST = 3.0  # of a loss in medians, or where it began: what is above is cut off
Curves = dict[str, Any]


def draw_sweep(folder: Path, rows: Sequence[Row], swept: Sequence[str], fixed: Row) -> Path | None:
    """Draw the jobs that left curves; None where there are none. fixed: model and stream where they are not swept."""
    of = layout(swept)
    drawn = [row for row in rows if row["status"] in ("done", "diverged") and (folder / row["folder"]).is_dir()]
    panels: dict[str, list[Row]] = {}
    for row in sorted(drawn, key=lambda row: _order(rows, row, of.panel)):
        panels.setdefault(panel_of({**fixed, **row}, of.panel), []).append(row)
    if not panels:
        return None
    colors = _named(drawn, of.color, _palette)
    markers = _named(drawn, of.marker, lambda count: [MARKERS[k % len(MARKERS)] for k in range(count)])
    shown = list(panels.items())[:MOST_PANELS]
    wide = min(len(shown), 4 if len(shown) % 4 == 0 else 3)
    bands, width = math.ceil(len(shown) / wide), max(6.0, 4.1 * wide)
    path, size = folder / "sweep.png", (width, 0.9 + 5.2 * bands)
    with canvas(path, 2 * bands, wide, dpi=110, figsize=size, squeeze=False) as (figure, axes):
        for axis in axes.flat:
            axis.set_visible(False)
        for k, (name, jobs) in enumerate(shown):
            for line, quantity in enumerate(("loss", jobs[0]["main"])):
                axis = axes[2 * (k // wide) + line][k % wide]
                axis.set_visible(True)
                _draw(axis, folder, jobs, quantity, (of.color, of.marker), (colors, markers))
                axis.set_ylabel(quantity.replace("_", " "))
                axis.set_title(name if line == 0 else "", fontsize=11, fontweight="bold")
                axis.set_xlabel("step" if line else "")
        legend = _legend(colors, markers)
        longest = max(len(str(line.get_label())) for line in legend)
        beside = max(1, int(width / (0.7 + 0.085 * longest)))  # inches of a handle and of its letters
        figure.legend(handles=legend, loc="outside lower center", ncol=beside, frameon=False, fontsize=10)
        hidden = f"; {len(panels) - MOST_PANELS} more panels are not drawn" if len(panels) > MOST_PANELS else ""
        figure.suptitle(f"HL and PyTorch, {tally(rows)}; means over the last 100 steps{hidden}", fontsize=11)
    return path


def _order(rows: Sequence[Row], row: Row, keys: Sequence[str]) -> tuple[int, ...]:
    """Panels stand in the order of the command, key by key."""
    return tuple(next(k for k, one in enumerate(rows) if one[key] == row[key]) for key in keys)


def _named(rows: Sequence[Row], keys: Sequence[str], choose: Any) -> dict[str, Any]:
    names = list(dict.fromkeys(value_of(row, keys) for row in rows))
    return dict(zip(names, choose(len(names)), strict=True))


def _palette(count: int) -> list[Any]:
    return list(COLORS[:count]) if count <= len(COLORS) else list(plt.get_cmap("viridis")(np.linspace(0, 0.95, count)))


def _draw(axis: Axes, folder: Path, jobs: list[Row], quantity: str, keys: Any, looks: Any) -> None:
    """One panel: PyTorch once a colour, then each job of HL with its own marker, set a little further each time."""
    (of_color, of_marker), (colors, markers) = keys, looks
    seen: set[str] = set()
    ends: list[float] = []
    start = 0.0
    for row in jobs:
        curves: Curves = read(folder / row["folder"] / "running.csv")
        color, marker = colors[value_of(row, of_color)], value_of(row, of_marker)
        steps, approaches = np.array(curves["step"]), len(markers) + 1
        place = list(markers).index(marker) + 1
        for learner in (arm for arm in ("pytorch", "hl") if f"window_{arm}_{quantity}" in curves):
            y = np.array(curves[f"window_{learner}_{quantity}"])
            if learner == "pytorch" and value_of(row, of_color) in seen:
                continue
            every = max(1, len(y) // EACH)
            first = (0 if learner == "pytorch" else place) * every // approaches
            style: Curves = {"color": color, "markevery": (min(first, max(0, len(y) - 1)), every)}
            if learner == "pytorch":
                style |= {"lw": 5, "alpha": 0.3, "marker": PYTORCH, "ms": 9, "mew": 2}
            else:
                style |= {"lw": 1.2, "marker": markers[marker], "mfc": "white", "mew": 1.3}
                style["ms"] = max(3.0, 8.5 - 2 * place)  # where few points are, markers stand inside one another
            axis.plot(steps, y, **style)
            ends += (finite := [float(value) for value in y[np.isfinite(y)]])
            start = max([start, *finite[:1]])
            if row["status"] == "diverged" and len(steps):
                axis.plot(steps[-1], y[-1], "X", color="black", ms=9)
        seen.add(value_of(row, of_color))
    axis.grid(alpha=0.25)
    _limits(axis, np.array(ends), start, quantity)


def _limits(axis: Axes, values: np.ndarray, start: float, quantity: str) -> None:
    if not len(values):
        return
    low, high = float(values.min()), float(values.max())
    if quantity == "loss" and low > 0 and high / low > DECADES:
        axis.set_yscale("log")
    elif quantity == "loss":
        axis.set_ylim(0, min(high, max(start, HIGHEST * float(np.median(values)))) * 1.05 + 1e-12)
    elif quantity == "accuracy":
        axis.set_ylim(0, 1.02)
    elif low < -1:
        axis.set_ylim(-1.05, max(1.02, high))


def _legend(colors: dict[str, Any], markers: dict[str, Any]) -> list[Line2D]:
    """Colours, then approaches in grey; of many colours some."""
    names = [name for name in colors if name]
    names = names[:: max(1, math.ceil(len(names) / MOST_NAMED))]
    lines = [Line2D([], [], color=colors[name], lw=3, label=name) for name in names]
    grey: Curves = {"color": "#444444", "ls": ""}
    lines.append(Line2D([], [], marker=PYTORCH, ms=8, mew=2, label="PyTorch", **grey))
    for name, marker in markers.items():
        lines.append(Line2D([], [], marker=marker, ms=6, mfc="white", label=f"HL {name}".rstrip(), **grey))
    return lines
