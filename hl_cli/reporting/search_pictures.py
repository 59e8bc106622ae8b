"""The pictures of task=minimise: where in the space of settings each method works, and its path on a plane."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from matplotlib.colors import LogNorm

from hl_cli.minimise.base import Function
from hl_cli.minimise.methods import METHODS
from hl_cli.minimise.search import Range, Trials
from hl_cli.reporting.canvas import panels
from hl_cli.reporting.palette import OTHERS, OWN

COLORS = dict(zip(METHODS, (OWN["pytorch"], *OTHERS[:2], OWN["hl"], *OTHERS[3:5], OTHERS[2]), strict=True))
BINS = 10
LEVELS = 14
GRID = 200


def shares(own: Sequence[Trials], lr: Range, friction: Range, bins: int) -> np.ndarray:
    """Share of usable trials by (friction, lr), a cell a bin, on logarithmic scales; NaN where there is no trial."""

    def places(name: str, of: Range) -> np.ndarray:
        width = math.log(of.high / of.low) or 1.0
        at = torch.cat([trials.settings[name] for trials in own]).div(of.low).log() / width
        return (at * bins).long().clamp(0, bins - 1).numpy()

    where = (places("friction", friction), places("lr", lr))
    count, good = np.zeros((bins, bins)), np.zeros((bins, bins))
    np.add.at(count, where, 1)
    np.add.at(good, where, torch.cat([trials.usable for trials in own]).numpy())
    with np.errstate(invalid="ignore"):
        return good / count


def draw_usable(folder: Path, title: str, found: Sequence[Trials], ranges: Mapping[str, Range]) -> None:
    """usable.png: a heat map a method, its share of usable settings by learning rate and 1 - momentum."""
    names = list(dict.fromkeys(of.method for of in found))
    lr, friction = ranges["lr"], ranges["friction"]
    bins = max(2, min(BINS, int(math.sqrt(sum(of.method == names[0] for of in found) * len(found[0].value) / 8))))
    with panels(folder / "usable.png", len(names), (3.1, 2.9), (1.0, 0.6)) as (figure, axes, left, lowest):
        edges = [np.geomspace(of.low, max(of.high, of.low * (1 + 1e-9)), bins + 1) for of in (lr, friction)]
        for axis, name in zip(axes, names, strict=True):
            own = [of for of in found if of.method == name]
            axis.set_facecolor("#d9d9d9")  # no trial there
            mesh = axis.pcolormesh(*edges, shares(own, lr, friction, bins), vmin=0, vmax=1, cmap="cividis")
            mean = float(torch.cat([of.usable for of in own]).double().mean())
            axis.set_title(f"{METHODS[name].label}: {mean:.2f}", fontsize=10)
            axis.set_xscale("log")
            axis.set_yscale("log")
            for of in own:
                axis.plot(of.settings["lr"][of.best], of.settings["friction"][of.best], "*", ms=9, mfc="white", mec="k")
        for axis in left:
            axis.set_ylabel("1 - momentum")
        for axis in lowest:
            axis.set_xlabel("learning rate")
        figure.colorbar(mesh, ax=figure.axes, label="share of usable settings", shrink=0.8)
        figure.suptitle(
            f"{title}: settings that end no higher than they began (star: best of a replicate)", fontsize=11
        )


def draw_paths(folder: Path, title: str, function: Function, paths: Mapping[str, torch.Tensor]) -> None:
    """paths.png: contours of a function of two variables with the path of each method, (steps + 1, 2) each."""
    inside = {name: of[of.isfinite().all(1)] for name, of in paths.items()}
    start = next(iter(inside.values()))[0]
    reach = max(2.0, 1.25 * float(start.abs().max()))
    line = torch.linspace(-reach, reach, GRID, dtype=torch.float64)
    second, first = torch.meshgrid(line, line, indexing="ij")
    height = function.value(torch.stack([first.flatten(), second.flatten()], 1)).view(GRID, GRID).numpy()
    floor = max(height.max() * 1e-7, height[height > 0].min())
    names = list(inside)
    with panels(folder / "paths.png", len(names), (3.1, 3.2), (0.5, 0.6)) as (figure, axes, left, lowest):
        for axis, name in zip(axes, names, strict=True):
            levels = np.geomspace(floor, height.max(), LEVELS)
            axis.contour(
                first, second, np.maximum(height, floor), levels, norm=LogNorm(), cmap="Greys_r", linewidths=0.7
            )
            x = inside[name]
            axis.plot(x[:, 0], x[:, 1], "-o", color=COLORS[name], lw=1.2, ms=2)
            axis.plot(*start, "s", color="black", ms=5)
            axis.plot(*x[-1], "*", color=COLORS[name], mec="black", ms=12)
            end = float(function.value(paths[name][-1:]))
            said = f"{end:.1e}" if math.isfinite(end) else f"diverges at step {len(x)}"
            axis.set_title(f"{METHODS[name].label}: {said}", fontsize=10)
            axis.set_xlim(-reach, reach)
            axis.set_ylim(-reach, reach)
        for axis in left:
            axis.set_ylabel("x2")
        for axis in lowest:
            axis.set_xlabel("x1")
        figure.suptitle(title, fontsize=11)
