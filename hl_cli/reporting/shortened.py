"""What pictures show of curves.csv, made while it is read: a long file is never in memory as a whole.

Each stretch of a curve is looked at by itself: windows, of which the mean is drawn, and buckets, of which a page keeps
the least and the largest value. So the rows come by a whole number of stretches at a time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hl_cli.compare.metrics import Measure
from hl_cli.compare.window import WINDOW
from hl_cli.reporting.columns import blocks
from hl_cli.reporting.html.thinning import Rolling, bucket, extremes, plain
from hl_cli.reporting.palette import FEW

POINTS, POINTS_OF_MANY = 200, 40  # windows over which a curve is averaged; of many arms, whose noise would hide others
TOGETHER = 2**15  # rows that are looked at together, at least
Take = Callable[[np.ndarray], None]
Thinned = dict[str, "list[float | None]"]


@dataclass(frozen=True)
class Curves:
    """rows: of the file; window: rows for a point of `drawn`: their mean, of a score that is pooled the first one.

    drawn: steps and values by column; each, smooth: by quantity, thinned, the step and each arm; smooth: over the last
    WINDOW steps, of what is not pooled; lowest: of what is pooled, once it has settled.
    """

    rows: int
    window: int
    drawn: dict[str, tuple[np.ndarray, np.ndarray]]
    each: dict[str, Thinned]
    smooth: dict[str, Thinned]
    lowest: dict[str, float]


def settled(steps: int) -> int:
    """From which step on a ratio rules its axis: before, it is of few steps and may be anything."""
    return min(WINDOW, steps // 5)


def averaged(values: np.ndarray, window: int) -> np.ndarray:
    """Mean of each full window; a short rest at the end is left out."""
    whole = len(values) // window * window
    return np.ascontiguousarray(values[:whole]).reshape(-1, window).mean(1)


def shortened(path: Path, arms: Sequence[str], measure: Measure) -> Curves:
    """What is shown of curves.csv, of these arms; raises BadInput for a file that is damaged."""
    rows = _rows(path)
    window, size = max(1, rows // (POINTS if len(arms) <= FEW else POINTS_OF_MANY)), bucket(rows, len(arms))
    names = ["step", *(f"{arm}_{quantity}" for quantity in measure.drawn for arm in arms)]
    places = {quantity: [names.index(f"{arm}_{quantity}") for arm in arms] for quantity in measure.drawn}
    pooled = {quantity: of for quantity, of in places.items() if quantity in measure.pooled}
    single = {quantity: of for quantity, of in places.items() if quantity not in measure.pooled}
    points = _Points(window)
    each = {quantity: _Thinned(of, rows, size) for quantity, of in places.items()}
    smooth = {quantity: _Thinned(of, rows, size, [Rolling(WINDOW) for _ in of]) for quantity, of in single.items()}
    lowest = {quantity: _Lowest(of, settled(rows)) for quantity, of in pooled.items()}
    takers = [_Whole(window, [points.take])]
    takers += [_Whole(size, [one.take for of in (each, smooth) for one in of.values()])]
    takers += [_Whole(1, [one.take for one in lowest.values()])]
    columns, tables = blocks(path)
    wanted = [columns.index(name) for name in names]
    for table in tables:
        for taker in takers:
            taker.add(table[:, wanted])
    for taker in takers:
        taker.end()
    firsts, means = points.columns(len(names))
    drawn = {names[k]: (firsts[0], firsts[k]) for of in pooled.values() for k in of}
    drawn |= {names[k]: (means[0], means[k]) for of in single.values() for k in of}
    return Curves(
        rows,
        window,
        drawn,
        each={quantity: one.columns(arms) for quantity, one in each.items()},
        smooth={quantity: one.columns(arms) for quantity, one in smooth.items()},
        lowest={quantity: one.value for quantity, one in lowest.items()},
    )


def _rows(path: Path) -> int:
    """Lines after the first."""
    with path.open("rb") as file:
        return sum(piece.count(b"\n") for piece in iter(lambda: file.read(2**20), b"")) - 1


class _Whole:
    """Hands rows on, a whole number of stretches of `size` rows at a time, at the end what is left."""

    def __init__(self, size: int, takers: Sequence[Take]) -> None:
        self._size, self._takers = size * -(-TOGETHER // size), takers
        self._waiting: list[np.ndarray] = []
        self._count = 0

    def add(self, rows: np.ndarray) -> None:
        """Take rows in."""
        self._waiting.append(rows)
        self._count += len(rows)
        if self._count >= self._size:
            self._hand_on(self._count // self._size * self._size)

    def end(self) -> None:
        """No rows follow."""
        if self._count:
            self._hand_on(self._count)

    def _hand_on(self, count: int) -> None:
        rows = np.concatenate(self._waiting)
        for take in self._takers:
            take(rows[:count])
        self._waiting, self._count = [rows[count:].copy()], len(rows) - count


class _Points:
    """Of each window its first row, and the mean of the full ones."""

    def __init__(self, window: int) -> None:
        self._window = window
        self._firsts: list[np.ndarray] = []
        self._means: list[np.ndarray] = []

    def take(self, rows: np.ndarray) -> None:
        """Rows from the first of a window on."""
        self._firsts.append(rows[:: self._window].T.copy())
        self._means.append(np.array([averaged(column, self._window) for column in rows.T]))

    def columns(self, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Both, by column."""
        none = np.empty((count, 0))
        return np.concatenate([none, *self._firsts], 1), np.concatenate([none, *self._means], 1)


class _Thinned:
    """The first and the last of all rows, and of each bucket those that are extreme in some of the columns `of`."""

    def __init__(self, of: Sequence[int], rows: int, size: int, rolling: Sequence[Rolling] = ()) -> None:
        self._of, self._rows, self._size, self._rolling = of, rows, size, rolling
        self._taken = 0
        self._kept = [np.empty((0, 1 + len(of)))]

    def take(self, rows: np.ndarray) -> None:
        """Rows from the first of a bucket on."""
        curves = [np.ascontiguousarray(rows[:, place]) for place in self._of]
        if self._rolling:
            curves = [over.of(values) for over, values in zip(self._rolling, curves, strict=True)]
        at = [extremes(values, self._size) for values in curves] if self._size > 1 else [np.arange(len(rows))]
        ends = [end - self._taken for end in (0, self._rows - 1) if 0 <= end - self._taken < len(rows)]
        kept = np.unique(np.concatenate([np.array(ends, np.int64), *at]))
        self._kept.append(np.column_stack([rows[kept, 0], *(values[kept] for values in curves)]))
        self._taken += len(rows)

    def columns(self, arms: Sequence[str]) -> Thinned:
        """As JSON takes them."""
        return {name: plain(column) for name, column in zip(("step", *arms), np.concatenate(self._kept).T, strict=True)}


class _Lowest:
    """The least finite number in some columns from a row on, 0 where there is none."""

    def __init__(self, of: Sequence[int], begin: int) -> None:
        self._of, self._begin, self._least = of, begin, math.inf

    def take(self, rows: np.ndarray) -> None:
        """The rows that follow."""
        late = rows[max(0, self._begin) :, self._of]
        self._begin -= len(rows)
        self._least = float(late.min(initial=self._least, where=np.isfinite(late)))

    @property
    def value(self) -> float:
        """That number."""
        return self._least if math.isfinite(self._least) else 0.0
