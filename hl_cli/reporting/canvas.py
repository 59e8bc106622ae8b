"""Where the pictures are drawn: a figure of matplotlib that is saved whole, or not at all.

matplotlib is imported when the first one is drawn: a run without pictures does not wait for it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hl_cli.reporting.whole import whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST = 4  # panels side by side


@contextmanager
def canvas(
    path: Path,
    rows: int = 1,
    columns: int = 1,
    dpi: int = 120,
    figsize: tuple[float, float] | None = None,
    **more: Any,
) -> Iterator[tuple[Figure, Any]]:
    """Figure and axes to draw on; the PNG is written at the end."""
    from matplotlib.figure import Figure  # without pyplot, which keeps figures and takes longer to import

    figure = Figure(figsize, layout="constrained")
    yield figure, figure.subplots(rows, columns, **more)
    with whole(path) as temporary:
        figure.savefig(temporary, format="png", dpi=dpi)


@contextmanager
def panels(
    path: Path, count: int, each: tuple[float, float], margin: tuple[float, float]
) -> Iterator[tuple[Figure, list[Any], list[Any], list[Any]]]:
    """A grid of so many panels over the same two axes, at most MOST side by side.

    Gives the figure, the panels, those at the left, and the lowest ones.

    each: inches of a panel, margin: of what is beside them all. Of every column the lowest has ticks with numbers.
    """
    rows = math.ceil(count / MOST)
    columns = math.ceil(count / rows)
    size = (each[0] * columns + margin[0], each[1] * rows + margin[1])
    with canvas(path, rows, columns, figsize=size, squeeze=False, sharex=True, sharey=True) as (figure, axes):
        for axis in axes.flat[count:]:
            axis.set_visible(False)
        used = list(axes.flat[:count])
        lowest = used[max(0, count - columns) :]
        for axis in lowest:
            axis.tick_params(labelbottom=True)
        yield figure, used, used[::columns], lowest
