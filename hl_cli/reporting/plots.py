"""Pictures of a run, drawn from its CSV files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hl_cli.compare.forgetting import Retention
from hl_cli.compare.metrics import Measure
from hl_cli.compare.window import WINDOW
from hl_cli.reporting.canvas import canvas
from hl_cli.reporting.columns import by_arm, read
from hl_cli.reporting.palette import Look
from hl_cli.reporting.shortened import Curves, settled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FLOOR, LEARNT = "#8d99ae", "#ff7d00"
MARKERS = 25
DECADES = 200  # largest by smallest loss from which on the scale is logarithmic
MOST_PERIODS = 40
MOST_ROWS, MOST_COLUMNS = 16, 8  # of a heat map whose cells have room for a number


def draw_curves(
    folder: Path, curves: Curves, title: str, measure: Measure, arms: Sequence[Look], period: int = 0
) -> None:
    """curves.png: the reference as a wide line, what lies on it thin with markers, so that both are seen.

    curves: of curves.csv; period: steps of a task, where the stream changes; a dotted line stands at each change.
    """
    held_out = read(folder / "evaluation.csv")
    count = len(measure.drawn)
    with canvas(folder / "curves.png", 1, count, figsize=(5.5 * count, 4.2)) as (figure, axes):
        for axis, quantity in zip(axes, measure.drawn, strict=True):
            _draw_arms(axis, curves, arms, quantity)
            for arm in arms:
                scores, size = held_out[f"{arm.name}_{quantity}"], 11 if arm.wide else 6
                axis.plot(held_out["step"], scores, "*", color=arm.color, ms=size, alpha=0.8)
            axis.set_xlabel("step")
            axis.set_ylabel(quantity)
            axis.grid(alpha=0.25)
            over = f", mean of {curves.window} steps" if curves.window > 1 else ""
            over = f", over {WINDOW} steps" if quantity in measure.pooled else over
            axis.set_title(f"{quantity}, before the update{over}", fontsize=10)
            _scale(axis, quantity in measure.pooled, quantity == "loss", settled(curves.rows))
            if period and curves.rows <= MOST_PERIODS * period:
                for change in range(period, curves.rows, period):
                    axis.axvline(change, color=FLOOR, lw=0.8, ls=":", zorder=0)
        axes[0].plot([], [], "*", color=FLOOR, label="held-out")
        handles = axes[0].get_legend_handles_labels()
        figure.legend(*handles, loc="outside lower center", ncols=8, frameon=False, fontsize=9)
        figure.suptitle(title, fontsize=11)


def _draw_arms(axis: Axes, curves: Curves, arms: Sequence[Look], quantity: str) -> None:
    marked = [arm for arm in arms if arm.marked]
    for arm in arms:
        style: dict[str, Any] = {"lw": 1.4}
        if arm.wide:
            style = {"lw": 4.5, "alpha": 0.55}
        elif arm.marked:
            style = {"lw": 1.0, "marker": "o", "mfc": "white", "ms": 5}
        x, y = curves.drawn[f"{arm.name}_{quantity}"]
        every_nth = max(len(marked), len(x) // MARKERS, 1)
        first = marked.index(arm) * every_nth // len(marked) if arm.marked else 0  # markers of one are not on another's
        axis.plot(x, y, markevery=(first, every_nth), color=arm.color, label=arm.label, **style)


def _scale(axis: Axes, is_ratio: bool, is_loss: bool, begin: int) -> None:
    """Choose limits: a loss over decades on a logarithmic scale; a ratio by what it is after its first steps."""
    lines = []
    for line in axis.lines:
        steps, shown = (np.asarray(data, dtype=float) for data in line.get_data())
        lines.append(shown[steps > begin] if is_ratio else shown)
    values = np.concatenate([line[np.isfinite(line)] for line in lines]) if lines else np.empty(0)
    low, high = (values.min(), values.max()) if len(values) else (0.0, 1.0)
    if is_loss and low > 0 and high / low > DECADES:
        axis.set_yscale("log")
    elif is_loss:
        axis.set_ylim(bottom=0)
    elif is_ratio and low < -1:
        axis.set_yscale("symlog", linthresh=1)
        axis.set_ylim(1.5 * low, 1.1)
    else:
        axis.set_ylim(min(1.05 * low - 0.02, -0.02), 1.02)


def draw_weight_difference(folder: Path, title: str, arms: Sequence[Look], floor: dict[int, float] | None) -> None:
    """weight_difference.png: largest difference over time on a log scale, with the noise floor where it is known.

    arms: of the run, the reference first. Nothing where every weight was equal: there is nothing to draw.
    """
    reference, *others = arms
    tables = by_arm(folder / "weight_difference.csv", others[0].name if others else "")
    compared = [arm for arm in others if arm.name in tables]
    apart = [arm for arm in compared if np.any(np.array(tables[arm.name]["max_ulp"]) > 0)]
    if not apart:
        return
    with canvas(folder / "weight_difference.png", figsize=(7.5, 4.2)) as (_, axis):
        for arm in apart:
            gaps = np.array(tables[arm.name]["max_abs"])
            label = "largest weight difference" if len(others) == 1 else arm.label
            shown = np.where(gaps > 0, gaps, np.nan)
            axis.semilogy(tables[arm.name]["step"], shown, color=arm.color, marker=".", ms=3, lw=1, label=label)
        for arm in compared:
            if arm not in apart:
                axis.plot([], [], color=arm.color, label=f"{arm.label}: equal, bit for bit")
        if floor:
            label = f"noise floor ({reference.label} one ulp away)"
            axis.semilogy(list(floor), list(floor.values()), color=FLOOR, ls="--", label=label)
        axis.grid(alpha=0.25, which="both")
        axis.legend(frameon=False, fontsize=9)
        axis.set_xlabel("step")
        axis.set_ylabel(f"max |{others[0].label if len(others) == 1 else 'arm'} - {reference.label}|")
        axis.set_title(title, fontsize=11)


def draw_tasks(folder: Path, title: str, retained: list[Retention], names: dict[str, str]) -> None:
    """tasks.png: a heat map a learner; a row a period, a column a task; an arrow points at the one being learnt."""
    count = len(retained)
    with canvas(folder / "tasks.png", 1, count, figsize=(5.5 * count, 4.6), squeeze=False) as (figure, [axes]):
        for axis, of in zip(axes, retained, strict=True):
            tasks = list(of.scores[0]) if of.scores else []
            grid = np.array([[row[task] for task in tasks] for row in of.scores]).reshape(-1, max(1, len(tasks)))
            signed = bool((grid < 0).any())
            limits: dict[str, Any] = {"vmin": -1, "cmap": "RdBu"} if signed else {"vmin": 0, "cmap": "viridis"}
            picture = axis.imshow(grid, vmax=1, aspect="auto", **limits)
            room = grid.shape[0] <= MOST_ROWS and grid.shape[1] <= MOST_COLUMNS
            for y, trained in enumerate(of.trained):
                if trained in tasks:  # an exam may leave out what is learnt
                    axis.plot(tasks.index(trained) - 0.42, y, marker=">", color=LEARNT, ms=6, mec="white", mew=0.6)
                if room:
                    for k, value in enumerate(grid[y]):
                        ink = _ink(value, signed)
                        axis.text(
                            k,
                            y,
                            f"{value:.2f}" if np.isfinite(value) else "-",
                            ha="center",
                            va="center",
                            fontsize=8,
                            color=ink,
                        )
            axis.set_xticks(range(len(tasks)), tasks, rotation=30, ha="right", fontsize=8)
            numbered = range(0, len(of.trained), len(of.trained) // MOST_ROWS + 1)
            axis.set_yticks(numbered, [str(k + 1) for k in numbered])
            axis.set_ylabel("period")
            axis.set_title(f"{names[of.learner]}: held-out {of.metric} after each period", fontsize=10)
            figure.colorbar(picture, ax=axis, extend="min" if signed else "neither")
        figure.suptitle(f"{title} (arrow: the task of the period)", fontsize=11)


def _ink(value: float, signed: bool) -> str:
    """A colour that is read on the cell's own."""
    return ("black" if abs(value) < 0.6 else "white") if signed else ("black" if value > 0.6 else "white")
