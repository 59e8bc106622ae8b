"""Pictures of flows of task=density: points on their way from noise, and learnt potentials. Of the first replicate."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from hl_cli.density.found import FoundFlow
from hl_cli.density.hamiltonian_flow import HamiltonianFlow
from hl_cli.density.study import Result, Setting
from hl_cli.replicates.draws import generator_of
from hl_cli.reporting.canvas import canvas
from hl_cli.reporting.density_pictures import PANEL, Box, box_of

FRAMES = 7  # at most
POINTS = 800
GRID = 90
LEVELS = 16


def draw_film(folder: Path, title: str, of: Setting, results: Sequence[Result]) -> None:
    """film.png: a row a flow, from noise at the left; a point keeps the colour of its angle at the start."""
    flows = [(result.arm.label, result.found.first()) for result in results if isinstance(result.found, FoundFlow)]
    paths = {}
    for label, found in flows:
        states = found.path(POINTS, [generator_of(of.seed, 0, "samples")])
        paths[label] = [(k, states[k][0].double()) for k in _even(len(states))]
    columns = max(map(len, paths.values()))
    points = torch.cat([state[:, :2] for path in paths.values() for _, state in path[:1] + path[-1:]])
    box = box_of(points, 0.05)
    size = (1.6 * columns + 0.6, 1.75 * len(paths) + 0.6)
    with canvas(folder / "film.png", len(paths), columns, figsize=size, squeeze=False) as (figure, axes):
        for row, (label, path) in zip(axes, paths.items(), strict=True):
            start = path[0][1]
            angle = torch.atan2(start[:, 1], start[:, 0])
            for axis in row[len(path) :]:
                axis.set_visible(False)
            for axis, (k, state) in zip(row, path, strict=False):
                axis.scatter(state[:, 0].numpy(), state[:, 1].numpy(), c=angle.numpy(), cmap="hsv", s=1.2, linewidths=0)
                wide = _around(state[:, :2], box)
                axis.set_xlim(*wide[:2])
                axis.set_ylim(*wide[2:])
                axis.set_box_aspect(1)
                axis.set_xticks([])
                axis.set_yticks([])
                axis.set_title(f"{k}", fontsize=8, pad=2)
            row[0].set_ylabel(label, fontsize=9)
        figure.suptitle(
            f"{title}: points carried through each flow, with the number of leapfrogs or couplings", fontsize=11
        )


def _around(points: torch.Tensor, box: Box) -> Box:
    """The box of all frames, or one about nearly all points where some lie outside."""
    few = torch.tensor([0.01, 0.99], dtype=points.dtype)
    (left, right), (bottom, top) = (points[:, k].quantile(few).tolist() for k in (0, 1))
    return min(box[0], left), max(box[1], right), min(box[2], bottom), max(box[3], top)


def _even(count: int) -> list[int]:
    """Some of so many states, the first and the last among them.

    >>> _even(17)
    [0, 3, 5, 8, 11, 13, 16]
    >>> _even(3)
    [0, 1, 2]
    """
    shown = min(count, FRAMES)
    return [round(k * (count - 1) / (shown - 1)) for k in range(shown)]


def draw_potential(folder: Path, title: str, of: Setting, results: Sequence[Result]) -> None:
    """potential.png: V_i of each Hamiltonian in the plane, a row an arm; low is dark."""
    box = box_of(of.parts[0].held_out, 0.3)
    shown = [
        (result.arm.label, result.found.first().weights, result.found.flow)
        for result in results
        if isinstance(result.found, FoundFlow) and isinstance(result.found.flow, HamiltonianFlow)
    ]
    if not shown:
        return
    columns = shown[0][2].flows
    x, y = torch.linspace(*box[:2], GRID), torch.linspace(*box[2:], GRID)
    grid = torch.cartesian_prod(x, y).unsqueeze(0)
    size = (PANEL * columns + 0.5, PANEL * len(shown) + 0.6)
    with canvas(
        folder / "potential.png", len(shown), columns, figsize=size, squeeze=False, sharex=True, sharey=True
    ) as (figure, axes):  # fmt: skip
        for row, (label, weights, flow) in zip(axes, shown, strict=True):
            for i, axis in enumerate(row):
                some = weights[f"{i}_time"]
                height = flow.potential(weights, i, grid.to(some)).view(GRID, GRID).T
                low, high = float(height.min()), float(height.max())
                levels = low + (high - low) * torch.linspace(0, 1, LEVELS) ** 2  # close where points are
                axis.contourf(x.numpy(), y.numpy(), height.numpy(), levels.tolist(), cmap="viridis")
                axis.set_title(f"V{i + 1}, time {float(some[0].exp()):.2f}", fontsize=9)
                axis.set_box_aspect(1)
            row[0].set_ylabel(label, fontsize=9)
        figure.suptitle(f"{title}: learnt potentials", fontsize=11)
