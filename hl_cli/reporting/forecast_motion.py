"""Pictures of the motion that task=forecast found: beside the truth over time, and in phase space or in the plane."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from hl_cli.dynamics.phase_space import Phase
from hl_cli.dynamics.systems.base import System
from hl_cli.forecast.study import Result
from hl_cli.reporting.canvas import canvas, panels
from hl_cli.reporting.forecast_looks import COLORS, TRUTH, limits

FEW = 100  # steps of either end that are drawn
LEVELS = 12
GRID = 160


def draw_forecast(folder: Path, title: str, results: Sequence[Result], truth: Phase, dt: float) -> None:
    """forecast.png: the first position of the first start, first and last steps; a row an arm."""
    horizon = len(truth[0]) - 1
    few = min(FEW, horizon)
    spans = [range(few + 1), range(horizon - few, horizon + 1)]
    true = truth[0][:, 0, 0, 0]
    low, high = limits(float(true.min()), float(true.max()))
    size = (10.5, 1.25 * len(results) + 1.1)
    with canvas(
        folder / "forecast.png", len(results), 2, figsize=size, squeeze=False, sharex="col", sharey=True
    ) as (figure, axes):  # fmt: skip
        for row, result in zip(axes, results, strict=True):
            own = result.path[0][:, 0, 0, 0]
            for axis, span in zip(row, spans, strict=True):
                times = torch.tensor([k * dt for k in span])
                axis.plot(times, true[span.start : span.stop], **TRUTH)
                axis.plot(times, own[span.start : span.stop], color=COLORS[result.arm.name], lw=1.4)
                axis.set_ylim(low, high)
                if not bool(((own[span.start : span.stop] >= low) & (own[span.start : span.stop] <= high)).any()):
                    axis.text(
                        0.5, 0.5, "beyond the axis", transform=axis.transAxes, ha="center", va="center", fontsize=9
                    )
                axis.set_xlim(float(times[0]), float(times[-1]))
            row[0].set_ylabel(f"{result.arm.label}\nq", fontsize=9)
        for axis, words in zip(axes[0], (f"first {few} steps", f"last {few} steps"), strict=True):
            axis.set_title(words, fontsize=10)
        for axis in axes[-1]:
            axis.set_xlabel("time")
        figure.suptitle(f"{title}: forecast (colour) and truth (grey)", fontsize=11)


def draw_phase(folder: Path, title: str, results: Sequence[Result], truth: Phase, system: System) -> None:
    """phase.png: a panel an arm with the forecasts of a few starts of the first replicate.

    One position: q and v on the level lines of the true energy. Bodies: their paths. Else: the first two positions.
    """
    picked = _spread(truth, system)
    with panels(folder / "phase.png", len(results), (3.1, 3.0), (0.4, 0.7)) as (figure, axes, left, lowest):
        box = [limits(float(of.min()), float(of.max()), 0.3) for of in _sides(truth, picked, system)]
        for axis, result in zip(axes, results, strict=True):
            if system.plane and system.conserved:
                _levels(axis, system, box)
            for first, second in _lines(truth, picked, system):
                axis.plot(first, second, color=TRUTH["color"], lw=3)
            for first, second in _lines(result.path, picked, system):
                axis.plot(first, second, color=COLORS[result.arm.name], lw=0.7)
            axis.set_title(result.arm.label, fontsize=10)
            axis.set_xlim(*box[0])
            axis.set_ylim(*box[1])
        for axis in lowest:
            axis.set_xlabel("q" if system.plane else "x" if system.bodies > 1 else "q1")
        for axis in left:
            axis.set_ylabel("v" if system.plane else "y" if system.bodies > 1 else "q2")
        lines = ", level lines of the true energy" if system.plane and system.conserved else ""
        figure.suptitle(f"{title}: forecasts (colour), truth (grey){lines}", fontsize=11)


def _spread(truth: Phase, system: System) -> list[int]:
    """Starts of small, middle and large energy, or one where lines would hide one another."""
    if not (system.plane and system.conserved):
        return [0]
    order = system.energy(truth[0][0, 0], truth[1][0, 0]).argsort()
    return [int(order[round(share * (len(order) - 1))]) for share in (0.1, 0.5, 0.9)]


def _sides(path: Phase, picked: list[int], system: System) -> tuple[torch.Tensor, torch.Tensor]:
    q, v = path[0][:, 0, picked], path[1][:, 0, picked]
    if system.plane:
        return q, v
    return (q[..., 0::2], q[..., 1::2]) if system.bodies > 1 else (q[..., :1], q[..., 1:2])


def _lines(path: Phase, picked: list[int], system: System) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """x and y of each line."""
    first, second = _sides(path, picked, system)
    return list(zip(first.flatten(1).T, second.flatten(1).T, strict=True))


def _levels(axis: Any, system: System, box: list[tuple[float, float]]) -> None:
    second, first = torch.meshgrid(
        torch.linspace(*box[1], GRID, dtype=torch.float64), torch.linspace(*box[0], GRID, dtype=torch.float64),
        indexing="ij",
    )  # fmt: skip
    height = system.energy(first.unsqueeze(-1), second.unsqueeze(-1))
    levels = float(height.max()) * torch.linspace(0.15, 1.0, LEVELS) ** 2  # even distances about the rest
    axis.contour(first, second, height, levels.tolist(), colors="#9a9a9a", linewidths=0.5)
