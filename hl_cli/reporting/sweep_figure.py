"""sweep.png: loss and score of the jobs over their steps. A panel a net and stream, median and quartiles over seeds.

Of two arms a colour is a scenario and a marker a split; of more, a colour is an arm, and a panel a setting. The
reference is a wide pale line. What lies on it bears markers.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from hl_cli.compare.metrics import POOLED
from hl_cli.reporting.canvas import canvas
from hl_cli.reporting.palette import color_of
from hl_cli.reporting.shortened import settled
from hl_cli.reporting.sweep_lines import KEYS, Band, Curves, Line, divergences, panels, reach
from hl_cli.reporting.sweep_table import Row, tally

MARKERS = ("o", "s", "^", "D", "v", "P", "*", "h")
REFERENCE = "x"
MOST_PANELS, MOST_NAMED, MOST_TOLD = 24, 8, 3
EACH = 3  # markers of an approach on a curve
LETTERS = 12  # of a title in an inch
Style = dict[str, Any]


def draw_sweep(
    folder: Path, rows: Sequence[Row], keys: Sequence[str], fixed: Row, told: Sequence[str] = ()
) -> Path | None:
    """Draw the jobs that left curves; None where there are none.

    keys: that were swept, without the seed; fixed: model and stream where they are not swept; told: the keys by which a
    run that diverged is named.
    """
    found = panels(folder, [row for row in rows if row["status"] in ("done", "diverged")], keys, fixed)
    if not found:
        return None
    shown, curves = list(found.items())[:MOST_PANELS], Curves(folder)
    drawn = [line for _, lines in shown for line in lines]
    color, place = _colors(drawn), list(dict.fromkeys(line.approach for line in drawn))
    wide = min(len(shown), 4 if len(shown) % 4 == 0 else 3)
    bands, width = math.ceil(len(shown) / wide), max(6.0, 4.1 * wide)
    path, size = folder / "sweep.png", (width, 1.1 + 5.2 * bands)
    with canvas(path, 2 * bands, wide, dpi=110, figsize=size, squeeze=False) as (figure, axes):
        for axis in axes.flat:
            axis.set_visible(False)
        for k, (name, lines) in enumerate(shown):
            for below, quantity in enumerate(("loss", str(lines[0].jobs[0]["main"]))):
                axis = axes[2 * (k // wide) + below][k % wide]
                axis.set_visible(True)
                _draw(axis, curves, lines, quantity, color, place)
                axis.set_ylabel(quantity.replace("_", " "))
                axis.set_title(name if below == 0 else "", fontsize=11, fontweight="bold", wrap=True)
                axis.set_xlabel("step" if below else "")
        legend = _legend(drawn, color, place)
        longest = max(len(str(line.get_label())) for line in legend)
        beside = max(1, int(width / (0.7 + 0.085 * longest)))  # inches of a handle and of its letters
        figure.legend(handles=legend, loc="outside lower center", ncol=beside, frameon=False, fontsize=10)
        words = _words(rows, drawn, len(found) - len(shown), told)
        figure.suptitle("\n".join(textwrap.fill(one, int(LETTERS * width)) for one in words), fontsize=11)
    return path


def _words(rows: Sequence[Row], drawn: Sequence[Line], hidden: int, told: Sequence[str]) -> list[str]:
    most = max(len(line.jobs) for line in drawn)
    over = f"; median and quartiles of up to {most} repetitions" if most > 1 else ""
    rest = f"; {hidden} more panels are not drawn" if hidden else ""
    gone = divergences(rows, told)
    more = f" and {len(gone) - MOST_TOLD} more" if len(gone) > MOST_TOLD else ""
    return [f"{tally(rows)}; means over the last 100 steps{over}{rest}",
            *([f"diverged (X): {'; '.join(gone[:MOST_TOLD])}{more}"] if gone else [])]  # fmt: skip


def _colors(lines: Sequence[Line]) -> Callable[[Line], Any]:
    """Those of the palette; where settings have colours and there are more of them, of a scale."""
    settings = list(dict.fromkeys(line.setting for line in lines))
    if len(settings) <= len(KEYS):
        return lambda line: color_of(line.color)
    scale = matplotlib.colormaps["viridis"]
    return lambda line: scale(0.95 * settings.index(line.setting) / (len(settings) - 1))


def _draw(
    axis: Axes, curves: Curves, lines: Sequence[Line], quantity: str, color: Callable[[Line], Any], places: list[str]
) -> None:
    """One panel: the reference first, once where it is equal; then each approach, its markers a little further on."""
    seen: list[tuple[str, Band]] = []
    bands = [(line, of) for line in lines if (of := curves.band(line, quantity)) and len(of.steps)]
    for line, of in bands:
        same = any(setting == line.setting and _equal(of, other) for setting, other in seen)
        if line.wide and same:
            continue
        if line.wide:
            seen.append((line.setting, of))
        every, place = max(1, len(of.steps) // EACH), 0 if line.wide else places.index(line.approach) + 1
        first = min(place * every // (len(places) + 1), len(of.steps) - 1)
        style: Style = {"color": color(line), "markevery": (first, every)}
        if line.wide:
            style |= {"lw": 5, "alpha": 0.3, "marker": REFERENCE, "ms": 9, "mew": 2}
        else:
            style |= {"lw": 1.4}
        if not line.wide and (same or line.setting or line.approach):
            # where few points are, markers stand inside one another
            mark = MARKERS[(place - 1) % len(MARKERS)]
            style |= {"lw": 1.2, "marker": mark, "mfc": "white", "mew": 1.3, "ms": max(3.0, 8.5 - 2 * place)}
        axis.plot(of.steps, of.middle, **style)
        if of.low is not None and of.high is not None and not (same and not line.wide):
            axis.fill_between(of.steps, of.low, of.high, color=color(line), alpha=0.15, lw=0)
    axis.grid(alpha=0.25)
    late = settled(max((int(of.steps[-1]) for _, of in bands), default=0)) if quantity in POOLED else 0
    if ends := reach([of for _, of in bands], quantity, late):
        log, low, high = ends
        axis.set_yscale("log" if log else "linear")
        axis.set_ylim(low, high)
    for line, of in bands:
        for step, value in of.ends:  # at the edge where it is beyond it
            at = min(max(value, axis.get_ylim()[0]), axis.get_ylim()[1])
            axis.plot(step, at, "X", color="black", mec=color(line), ms=9, zorder=4, clip_on=False)


def _equal(a: Band, b: Band) -> bool:
    return np.array_equal(a.steps, b.steps) and np.array_equal(a.middle, b.middle, equal_nan=True)


def _legend(lines: Sequence[Line], color: Callable[[Line], Any], places: Sequence[str]) -> list[Line2D]:
    """Where settings have colours: some of them, then arms and approaches in grey. Else the arms in theirs."""
    settings = {line.setting: line for line in lines if line.setting}
    found = []
    for setting in list(settings)[:: max(1, math.ceil(len(settings) / MOST_NAMED))]:
        found.append(Line2D([], [], color=color(settings[setting]), lw=3, label=setting))
    for line in {(line.arm, "" if line.wide else line.approach): line for line in lines}.values():
        gone = sum(one.diverged for one in lines if one.arm == line.arm)
        runs = sum(len(one.jobs) for one in lines if one.arm == line.arm)
        label = line.label if line.wide else f"{line.label} {line.approach}".rstrip()
        label += f", {gone} of {runs} diverged" if gone else ""
        ink: Style = {"color": "#444444", "ls": ""} if settings else {"color": color(line), "lw": 5 if line.wide else 2}
        if line.wide:
            ink |= {"marker": REFERENCE, "ms": 8, "mew": 2, "alpha": 1.0 if settings else 0.4}
        elif settings or line.approach:
            ink |= {"marker": MARKERS[places.index(line.approach) % len(MARKERS)], "ms": 6, "mfc": "white"}
        found.append(Line2D([], [], label=label, **ink))
    return found
