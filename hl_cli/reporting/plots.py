"""Pictures of a run, drawn from its CSV files."""

from __future__ import annotations

from array import array
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from hl_cli.compare.forgetting import Retention
from hl_cli.compare.metrics import WINDOW, Measure
from hl_cli.reporting.tables import read

PYTORCH, HL, FLOOR = "#d1495b", "#00477f", "#8d99ae"
POINTS = 200  # windows over which a curve is averaged
MARKERS = 25
CELLS_WITH_NUMBERS = 120


def draw_curves(folder: Path, title: str, measure: Measure) -> None:
    """curves.png: PyTorch as a wide line, HL as a thin line with markers, so that both are seen where they agree."""
    curves, held_out = read(folder / "curves.csv"), read(folder / "evaluation.csv")
    quantities = ("loss", *(metric for metric in measure.shown if metric != "bits_per_character"))
    figure, axes = plt.subplots(1, len(quantities), figsize=(5.5 * len(quantities), 4.2), layout="constrained")
    for axis, quantity in zip(axes, quantities, strict=True):
        window = _draw_pair(axis, curves, quantity, quantity in measure.pooled)
        for name, label, color, size in (("pytorch", "PyTorch", PYTORCH, 11), ("hl", "HL", HL, 6)):
            scores = held_out[f"{name}_{quantity}"]
            axis.plot(held_out["step"], scores, "*", label=f"{label}, held-out", color=color, ms=size, alpha=0.8)
        axis.set_xlabel("step")
        axis.set_ylabel(quantity)
        axis.grid(alpha=0.25)
        over = f", mean of {window} steps" if window > 1 else ""
        over = f", over {WINDOW} steps" if quantity in measure.pooled else over
        axis.set_title(f"{quantity}, before the update{over}", fontsize=10)
        if quantity != "loss":
            lowest = -1.02 if quantity in measure.pooled else -0.02
            axis.set_ylim(max(axis.get_ylim()[0], lowest) if lowest < -1 else lowest, 1.02)
    axes[0].set_ylim(bottom=0)
    axes[0].legend(frameon=False, fontsize=9)
    figure.suptitle(title, fontsize=11)
    figure.savefig(folder / "curves.png", dpi=120)
    plt.close(figure)


def _draw_pair(axis: Axes, curves: dict[str, array[float]], quantity: str, pooled: bool) -> int:
    steps = np.array(curves["step"])
    window = max(1, len(steps) // POINTS)
    styles: dict[str, dict[str, Any]] = {
        "pytorch": {"color": PYTORCH, "lw": 4.5, "alpha": 0.55, "label": "PyTorch"},
        "hl": {"color": HL, "lw": 1.0, "marker": "o", "mfc": "white", "ms": 5, "label": "HL"},
    }
    for name, style in styles.items():
        every = np.array(curves[f"{name}_{quantity}"])
        x, y = (steps[::window], every[::window]) if pooled else (_averaged(steps, window), _averaged(every, window))
        axis.plot(x, y, markevery=max(1, len(x) // MARKERS), **style)
    return window


def _averaged(values: np.ndarray, window: int) -> np.ndarray:
    """Mean of each full window; a short rest at the end is left out."""
    whole = len(values) // window * window
    return values[:whole].reshape(-1, window).mean(1)


def draw_weight_difference(folder: Path, title: str, floor: dict[int, float] | None) -> None:
    """weight_difference.png: largest difference over time on a log scale, with the noise floor where it is known."""
    table = read(folder / "weight_difference.csv")
    steps, gaps = np.array(table["step"]), np.array(table["max_abs"])
    figure, axis = plt.subplots(figsize=(7.5, 4.2), layout="constrained")
    if not np.any(np.array(table["max_ulp"]) > 0):
        words = (
            f"Every weight of HL equals PyTorch's, bit for bit,\nat all {len(steps)} measured steps "
            f"({int(steps[0])} to {int(steps[-1])})."
            if len(steps)
            else "No step was compared."
        )
        axis.text(0.5, 0.5, words, ha="center", va="center", fontsize=13, transform=axis.transAxes)
        axis.set_yticks([])
        axis.set_xlim(0, max(1.0, float(steps[-1]) if len(steps) else 1.0))
    else:
        shown = np.where(gaps > 0, gaps, np.nan)
        axis.semilogy(steps, shown, color=HL, marker=".", ms=3, lw=1, label="largest weight difference")
        if floor:
            axis.semilogy(
                list(floor), list(floor.values()), color=FLOOR, ls="--", label="noise floor (PyTorch one ulp away)"
            )
        axis.grid(alpha=0.25, which="both")
        axis.legend(frameon=False, fontsize=9)
    axis.set_xlabel("step")
    axis.set_ylabel("max |HL - PyTorch|")
    axis.set_title(title, fontsize=11)
    figure.savefig(folder / "weight_difference.png", dpi=120)
    plt.close(figure)


def draw_tasks(folder: Path, title: str, retained: list[Retention], names: dict[str, str]) -> None:
    """tasks.png: a heat map a learner; a row a period, a column a task, framed where it was the one being learnt."""
    figure, axes = plt.subplots(1, len(retained), figsize=(5.5 * len(retained), 4.6), layout="constrained")
    for axis, of in zip(axes, retained, strict=True):
        tasks = list(of.scores[0]) if of.scores else []
        grid = np.array([[row[task] for task in tasks] for row in of.scores]).reshape(-1, max(1, len(tasks)))
        picture = axis.imshow(grid, vmin=0, vmax=1, cmap="viridis", aspect="auto")
        for y, trained in enumerate(of.trained):
            x = tasks.index(trained)
            axis.add_patch(plt.Rectangle((x - 0.5, y - 0.5), 1, 1, fill=False, ec="#d1495b", lw=2))
            if grid.size <= CELLS_WITH_NUMBERS:
                for k, value in enumerate(grid[y]):
                    axis.text(k, y, f"{value:.2f}", ha="center", va="center", fontsize=8, color=_ink(value))
        axis.set_xticks(range(len(tasks)), tasks, rotation=30, ha="right", fontsize=8)
        numbered = range(len(of.trained)) if len(of.trained) <= 20 else []
        axis.set_yticks(numbered, [str(k + 1) for k in numbered])
        axis.set_ylabel("period")
        axis.set_title(f"{names[of.learner]}: held-out {of.metric} after each period", fontsize=10)
        figure.colorbar(picture, ax=axis, extend="min")
    figure.suptitle(f"{title} (framed: the task of the period)", fontsize=11)
    figure.savefig(folder / "tasks.png", dpi=120)
    plt.close(figure)


def _ink(value: float) -> str:
    """A colour that is read on the cell's own."""
    return "black" if value > 0.6 else "white"
