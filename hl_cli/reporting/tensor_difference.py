"""tensor_difference.png: how far each tensor of the two learners is apart over time, a heat map."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hl_cli.reporting.canvas import canvas
from hl_cli.reporting.columns import by_arm
from hl_cli.reporting.html.thinning import stretches
from hl_cli.reporting.palette import Look

MOST_ROWS = 60
TICKS = 8


def draw_tensor_difference(folder: Path, title: str, arm: Look, reference: Look) -> None:
    """Of one arm: a row a tensor, the largest where there are many; an empty cell is equal bit for bit.

    Nothing is drawn where all are equal.
    """
    table = by_arm(folder / "tensor_difference.csv", arm.name).get(arm.name, {})
    names = [name for name in table if name != "step"]
    grid = np.array([table[name] for name in names])
    if not grid.size or not (grid > 0).any():
        return
    starts, cells = stretches(grid)
    rows = sorted(np.argsort(-grid.max(1), kind="stable")[:MOST_ROWS])
    shown = np.ma.masked_where(cells[rows] <= 0, cells[rows])
    size = (9, 1.8 + 0.28 * max(4, len(rows)))
    with canvas(folder / "tensor_difference.png", dpi=110, figsize=size) as (figure, axis):
        picture = axis.imshow(shown, aspect="auto", norm="log", cmap="Blues", interpolation="nearest")
        every = max(1, -(-len(starts) // TICKS))
        axis.set_xticks(range(0, len(starts), every), [f"{table['step'][k]:.0f}" for k in starts[::every]])
        axis.set_yticks(range(len(rows)), [names[k] for k in rows], fontsize=8)
        axis.set_xlabel("step")
        axis.set_title(
            f"{title}\nmax |{arm.label} - {reference.label}| of each tensor; empty: equal bit for bit", fontsize=10
        )
        figure.colorbar(picture, ax=axis)
