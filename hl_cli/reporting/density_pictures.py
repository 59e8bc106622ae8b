"""Pictures of task=density: densities on a grid, points, training, digits. All are of the first replicate."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from matplotlib.figure import Figure
from torch import Tensor

from hl_cli.density.data.base import Data
from hl_cli.density.found import Found
from hl_cli.density.study import Result, Setting
from hl_cli.replicates.draws import generator_of
from hl_cli.reporting.canvas import canvas
from hl_cli.reporting.palette import OTHERS, OWN

COLORS = {"nhf": OTHERS[1], "nhf_fixed": OWN["hl"], "realnvp": OWN["pytorch"], "gmm": OTHERS[0]}
GREY = "#5a5a5a"
PANEL = 2.7
DIGITS = 12  # a row
WIDE = 4  # panels of a row
Box = tuple[float, float, float, float]


def box_of(points: Tensor, share: float = 0.12) -> Box:
    """Left, right, bottom, top of points (b, n), a share wider; of a line the second two are of its density."""
    low, high = points.amin(0), points.amax(0)
    room = share * (high - low)
    left, bottom = (low - room)[:2].tolist()
    right, top = (high + room)[:2].tolist()
    return left, right, bottom, top


def draw_density(folder: Path, title: str, of: Setting, results: Sequence[Result], side: int, samples: int) -> None:
    """density.png: held-out points, the truth where it is known, and each arm, one scale of colours for all."""
    points = of.parts[0].held_out
    box = box_of(points)
    grid = _grid(box, side)
    known = _known(of.data, grid)
    found = {"truth": known} if known is not None else {}
    for result in results:
        found[result.arm.label] = _learnt(result.found.first(), grid, samples, of.seed, of.dtype)
    top = _top(found["truth"] if known is not None else next(iter(found.values())))
    with _panels(folder / "density.png", len(found) + 1) as (figure, axes):
        axes[0].plot(points[:, 0], points[:, 1], ".", ms=1.5, color=GREY)
        axes[0].set_title("held-out points", fontsize=10)
        for axis, (name, density) in zip(axes[1:], found.items(), strict=True):
            pixels = density.view(side, side).T.numpy()
            image = axis.imshow(
                pixels, extent=box, origin="lower", cmap="magma", vmin=0, vmax=top, aspect="auto",
            )  # fmt: skip
            axis.set_title(name, fontsize=10)
        for axis in axes:
            _plane(axis, box)
        figure.colorbar(image, ax=axes, shrink=0.8, label="density")
        figure.suptitle(f"{title}: densities", fontsize=11)


def _grid(box: Box, side: int) -> Tensor:
    left, right, bottom, top = box
    x = left + (right - left) * (torch.arange(side, dtype=torch.float64) + 0.5) / side
    y = bottom + (top - bottom) * (torch.arange(side, dtype=torch.float64) + 0.5) / side
    return torch.cartesian_prod(x, y)


def _known(data: Data, grid: Tensor) -> Tensor | None:
    log_p = data.log_density(grid)
    return None if log_p is None else log_p.exp()


def _learnt(found: Found, grid: Tensor, samples: int, seed: int, dtype: torch.dtype) -> Tensor:
    _, bound = found.bounds(grid.unsqueeze(0), samples, [generator_of(seed, 0, "grid")])
    return bound[0].double().exp().nan_to_num(0.0)


def _top(density: Tensor) -> float:
    """The end of the scale: all but the brightest few."""
    return float(density.quantile(0.995)) or 1.0


def draw_samples(folder: Path, title: str, of: Setting, results: Sequence[Result]) -> None:
    """samples.png: held-out points and as many of each arm; the first two numbers of a point, or one and its share."""
    held_out, _ = of.judged()
    found = {"held-out points": (held_out[0], GREY)}
    found |= {result.arm.label: (result.drawn[0], COLORS[result.arm.name]) for result in results}
    with _panels(folder / "samples.png", len(found)) as (figure, axes):
        for axis, (name, (points, color)) in zip(axes, found.items(), strict=True):
            if points.shape[1] == 1:
                axis.hist(points[:, 0].numpy(), bins=40, density=True, color=color)
            else:
                axis.plot(points[:, 0], points[:, 1], ".", ms=2, color=color)
                _plane(axis, box_of(held_out[0], 0.25))
            axis.set_title(name, fontsize=10)
        figure.suptitle(f"{title}: {len(held_out[0]):,} points of each", fontsize=11)


def draw_training(folder: Path, title: str, results: Sequence[Result], truth: list[float] | None) -> None:
    """training.png: the mean log w of the points kept apart, each replicate a line."""
    with canvas(folder / "training.png", figsize=(8.5, 4.0)) as (figure, axis):
        highest, first = -math.inf, math.inf
        for result in results:
            for k in range(len(result.curve[0][1])):
                values = [float(of[k]) for _, of in result.curve]
                label = result.arm.label if k == 0 else None
                axis.plot(
                    [step for step, _ in result.curve], values, color=COLORS[result.arm.name], lw=1.3, label=label
                )
                highest, first = max(highest, *values), min(first, values[min(2, len(values) - 1)])
        if truth:
            axis.axhline(sum(truth) / len(truth), color="k", ls="--", lw=1, label="truth")
            highest = max(highest, *truth)
        axis.set_ylim(first - 0.15 * (highest - first) - 0.01, highest + 0.1 * (highest - first) + 0.01)
        axis.set_xlabel("step")
        axis.set_ylabel("mean log w of points kept apart")
        axis.grid(alpha=0.25)
        figure.legend(loc="outside right upper", frameon=False)
        axis.set_title(f"{title}: training", fontsize=11)


def draw_digits(folder: Path, title: str, of: Setting, results: Sequence[Result]) -> None:
    """digits.png: points as pictures, held-out ones first."""
    back = of.parts[0].pictures
    assert back is not None
    held_out, _ = of.judged()
    found = {"held out": held_out[0], **{result.arm.label: result.drawn[0] for result in results}}
    with canvas(
        folder / "digits.png", len(found), 1, figsize=(9, 0.8 * len(found) + 0.5), squeeze=False
    ) as (figure, axes):  # fmt: skip
        for axis, (name, points) in zip(axes[:, 0], found.items(), strict=True):
            some = back(points[:DIGITS])
            gap = torch.zeros(len(some), some.shape[1], 1, dtype=some.dtype)
            axis.imshow(torch.cat([*torch.cat([some, gap], 2)], 1).numpy(), cmap="gray_r", vmin=0, vmax=1)
            axis.set_xticks([])
            axis.set_yticks([])
            axis.set_ylabel(name, rotation=0, ha="right", va="center", fontsize=9)
        figure.suptitle(f"{title}: points as pictures", fontsize=11)


@contextmanager
def _panels(path: Path, count: int) -> Iterator[tuple[Figure, list[Any]]]:
    """So many axes with one scale, in two rows where one would be too wide for a page."""
    rows = 1 if count <= WIDE else 2
    columns = math.ceil(count / rows)
    size = (PANEL * columns + 0.5, PANEL * rows + 0.6)
    with canvas(path, rows, columns, figsize=size, squeeze=False, sharex=True, sharey=True) as (figure, axes):
        for axis in axes.flat[count:]:
            axis.set_visible(False)
        for axis in axes[0][count - columns :] if rows == 2 else ():
            axis.tick_params(labelbottom=True)
        yield figure, list(axes.flat[:count])


def _plane(axis: Any, box: Box) -> None:
    axis.set_xlim(*box[:2])
    axis.set_ylim(*box[2:])
    axis.set_box_aspect(1)
