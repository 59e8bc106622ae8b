"""Pictures of the learnt Hamiltonian of task=video: along rollouts, and its level lines in a plane of phase space."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from hl_cli.reporting.canvas import canvas
from hl_cli.reporting.video_looks import COLORS
from hl_cli.video.latents import Hamiltonian
from hl_cli.video.rollouts import Truth
from hl_cli.video.study import Result

VIDEOS = 12
ORBITS = 6
GRID = 120
LEVELS = 14


def draw_all(folder: Path, title: str, results: Sequence[Result], truth: Truth) -> bool:
    """energy.png, phase.png of the Hamiltonian arm; whether there is one."""
    own = [of for of in results if isinstance(of.arm.latent, Hamiltonian)]
    for of in own:
        _draw_energy(folder / "energy.png", title, of, truth)
        _draw_phase(folder / "phase.png", title, of)
    return bool(own)


def _draw_energy(path: Path, title: str, of: Result, truth: Truth) -> None:
    """The learnt H along rollouts, and of all videos against the true energy."""
    rollouts, energy = of.rollouts, of.rollouts.energy
    assert energy is not None
    color, known = COLORS[of.arm.name], truth.energy is not None
    size = (11.0 if known else 7.0, 4.2)
    with canvas(path, 1, 1 + known, figsize=size, squeeze=False, width_ratios=[3, 2][: 1 + known]) as (figure, axes):
        lines, frames = energy[:, 0, :VIDEOS].cpu(), torch.arange(len(energy)) - rollouts.back
        axes[0][0].axvspan(0, truth.frames - 1, color="#eef3f8", lw=0)
        axes[0][0].plot(frames, lines, color=color, lw=1.1)
        axes[0][0].set_xlabel("frame")
        axes[0][0].set_ylabel("learnt H")
        axes[0][0].set_title(f"along rollouts of {lines.shape[1]} videos; shaded: training", fontsize=10)
        if truth.energy is not None:
            axes[0][1].plot(truth.energy[0], energy[rollouts.back, 0].cpu(), ".", color=color, ms=4)
            axes[0][1].set_xlabel("true energy")
            axes[0][1].set_title("at frame 0, a point a video", fontsize=10)
        figure.suptitle(f"{title}: the learnt Hamiltonian, first replicate", fontsize=11)


def _draw_phase(path: Path, title: str, of: Result) -> None:
    """The plane of the two directions in which (q, p) moves most; H on it through the mean of all states."""
    states = of.rollouts.states[:, 0].double().cpu()  # (time, b, 2n)
    mean = states.flatten(0, 1).mean(0)
    _, spread, axes_of = torch.linalg.svd(states.flatten(0, 1) - mean, full_matrices=False)
    share = float(spread[:2].square().sum() / spread.square().sum())
    flat = (states - mean) @ axes_of[:2].T
    low, high = flat.flatten(0, 1).amin(0), flat.flatten(0, 1).amax(0)
    room = 0.12 * (high - low)
    grid = [
        torch.linspace(float(a), float(b), GRID, dtype=torch.float64)
        for a, b in zip(low - room, high + room, strict=True)
    ]
    second, first = torch.meshgrid(grid[1], grid[0], indexing="ij")
    points = mean + torch.stack([first, second], -1).flatten(0, 1) @ axes_of[:2]
    height = _height(of, points).view(GRID, GRID)
    energy = of.rollouts.energy
    assert energy is not None
    order = energy[of.rollouts.back, 0].cpu().argsort()
    picked = order[torch.linspace(0, len(order) - 1, min(ORBITS, len(order))).long()]
    with canvas(path, figsize=(6.4, 5.4)) as (_, axis):
        _levels(axis, first, second, height)
        for line in flat[:, picked].transpose(0, 1):
            axis.plot(line[:, 0], line[:, 1], color=COLORS[of.arm.name], lw=1.1)
        axis.set_xlabel("first principal direction of (q, p)")
        axis.set_ylabel("second")
        axis.set_title(
            f"{title}: rollouts of {len(picked)} videos (blue), level lines of\n"
            f"the learnt H (grey); the plane holds {share:.0%} of the spread",
            fontsize=10,
        )


def _height(of: Result, points: Tensor) -> Tensor:
    own = {name: weight[:1].double().cpu() for name, weight in of.weights.items()}
    assert isinstance(of.arm.latent, Hamiltonian)
    return of.arm.latent.energy(own, points.unsqueeze(0))[0]


def _levels(axis: Any, first: Tensor, second: Tensor, height: Tensor) -> None:
    low, high = float(height.min()), float(height.max())
    levels = low + (high - low) * torch.linspace(0.1, 1.0, LEVELS, dtype=torch.float64) ** 2  # even about the rest
    axis.contour(first, second, height, levels.tolist(), colors="#9a9a9a", linewidths=0.6, linestyles="solid")
