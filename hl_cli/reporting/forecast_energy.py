"""Pictures of energies in task=forecast: that of every arm over time, and learnt potentials over the true one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from hl_cli.dynamics.systems.base import System
from hl_cli.forecast.nets import Mechanical
from hl_cli.forecast.potential import DirectForce, Potential
from hl_cli.forecast.study import Result
from hl_cli.forecast.windows import Windows
from hl_cli.reporting.canvas import canvas
from hl_cli.reporting.forecast_looks import COLORS, TRUTH

GRID = 400
LOWEST, HIGHEST = 1e-5, 1e4  # of the axis of energies; what is beyond lies on its border


def draw_energy(folder: Path, title: str, results: Sequence[Result], dt: float) -> None:
    """energy.png: the median of |E(t) - E(0)| / |E(0)| over starts and replicates, all arms, smoothed over 20 steps."""
    with canvas(folder / "energy.png", figsize=(9.5, 4.6)) as (figure, axis):
        for of in results:
            assert of.relative is not None
            middle = of.relative.abs().flatten(1).median(1).values.clamp(max=HIGHEST)
            width = min(20, len(middle))
            smooth = middle.unfold(0, width, 1).mean(1).clamp(min=LOWEST)
            times = dt * (torch.arange(len(smooth)) + (width - 1) / 2)
            style = "--" if of.arm.name == "vin_sv" else "-"  # it lies on another one
            axis.plot(times, smooth, style, color=COLORS[of.arm.name], lw=1.6, label=of.arm.label)
        axis.set_yscale("log")
        axis.set_xlabel("time")
        axis.set_ylabel("|E(t) - E(0)| / |E(0)|")
        axis.grid(alpha=0.25)
        figure.legend(loc="outside right upper", frameon=False)
        axis.set_title(f"{title}: energy error over time, median over starts and replicates", fontsize=11)


def draw_potential(folder: Path, title: str, results: Sequence[Result], windows: Windows, system: System) -> bool:
    """potential.png: learnt potentials of one position, each replicate a line; whether there is such a picture."""
    shown = [(of, force) for of in results if isinstance(force := _force(of), Potential)]
    if not (system.plane and system.conserved and shown):
        return False
    low, high = (float(of) for of in windows.q.aminmax())
    middle, half = (low + high) / 2, (high - low) / 2
    q = torch.linspace(middle - 1.6 * half, middle + 1.6 * half, GRID, dtype=torch.float64).unsqueeze(1)
    true = system.potential(q)
    assert true is not None
    inside = ((q >= low) & (q <= high)).squeeze(1)
    size = (3.1 * len(shown) + 0.6, 3.6)
    with canvas(folder / "potential.png", 1, len(shown), figsize=size, squeeze=False, sharey=True) as (figure, axes):
        for axis, (result, potential) in zip(axes[0], shown, strict=True):
            weights = {name: of.double() for name, of in result.weights.items()}
            learnt = potential.value(weights, q.expand(next(iter(weights.values())).shape[0], -1, -1))
            axis.axvspan(low, high, color="#eef3f8", lw=0)
            axis.plot(q, true, **TRUTH)
            for of in learnt:  # up to a constant
                axis.plot(q, of + (true - of)[inside].mean(), color=COLORS[result.arm.name], lw=1.1)
            axis.set_title(result.arm.label, fontsize=10)
            axis.set_xlabel("q")
        room = 0.35 * float(true.max() - true.min())
        axes[0][0].set_ylim(float(true.min()) - room, float(true.max()) + room)
        axes[0][0].set_ylabel("potential")
        words = "learnt potential (a line a replicate), the true one (grey), positions seen (shaded)"
        figure.suptitle(f"{title}: {words}", fontsize=11)
    return True


def _force(of: Result) -> Potential | DirectForce | None:
    return of.arm.net.force if isinstance(of.arm.net, Mechanical) else None
