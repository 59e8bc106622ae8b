"""Long columns made short for a picture: no peak and no dip is lost, and what is left are true points of the run."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

Columns = Mapping[str, Any]
BUCKETS = 400  # stretches of a curve of which the least and the largest value are kept, more than a screen shows
DIGITS = 7
COLUMNS = 120  # of a heat map


def kept(columns: Columns, over: Sequence[str], buckets: int = BUCKETS) -> np.ndarray:
    """Indices of the rows to keep: the first, the last, and of each bucket those that are extreme in some column.

    All rows where that would not save half of them. Rows without a number are passed over.
    """
    count = len(columns[over[0]])
    size = bucket(count, len(over), buckets)
    if size == 1:
        return np.arange(count)
    found = [extremes(np.asarray(columns[name]), size) for name in over]
    return np.unique(np.concatenate([[0, count - 1], *found]))


def bucket(count: int, curves: int, buckets: int = BUCKETS) -> int:
    """Rows of a bucket, 1 where all `count` rows are kept; curves: how many are thinned together."""
    return 1 if count <= 4 * curves * buckets else math.ceil(count / buckets)


def extremes(values: np.ndarray, size: int) -> np.ndarray:
    """Where the least and the largest value of each bucket of `size` rows are; none of one without a number."""
    rows = -(-len(values) // size)
    padded = np.full(rows * size, np.nan)
    padded[: len(values)] = values
    table = padded.reshape(rows, size)
    some = np.flatnonzero(~np.isnan(table).all(1))
    return np.concatenate([some * size + find(table[some], axis=1) for find in (np.nanargmin, np.nanargmax)])


def thinned(
    columns: Columns, names: Mapping[str, str], by: str, buckets: int = BUCKETS
) -> dict[str, list[float | None]]:
    """Some columns under other names, thinned together, so that a row still is one moment of both learners.

    names: new name to column; by: the column along which the rows lie, which is no curve.
    """
    over = [column for column in names.values() if column != by]
    rows = kept(columns, over, buckets)
    return {name: plain(np.asarray(columns[column], dtype=float)[rows]) for name, column in names.items()}


def plain(values: Sequence[float] | np.ndarray) -> list[float | None]:
    """Numbers as JSON takes them, to DIGITS digits; the exact ones are in the CSV files."""
    return [_short(float(value)) for value in values]


def _short(value: float) -> float | int | None:
    if not math.isfinite(value):
        return None
    return int(value) if value == int(value) and abs(value) < 2**53 else float(f"{value:.{DIGITS}g}")


class Rolling:
    """The mean over the last `window` steps that have a number, of fewer at the start; none where a step has none."""

    def __init__(self, window: int) -> None:
        self._window, self._before, self._seen = window, np.empty(0), 0

    def of(self, values: np.ndarray) -> np.ndarray:
        """That of each of the steps that follow. Each window is summed afresh: a sum carried along would lose what is
        small beside a large.
        """
        there = np.flatnonzero(~np.isnan(values))
        found = np.full(len(values), np.nan)
        if len(there):
            known, begin = np.concatenate([self._before, values[there]]), len(self._before)
            counts = np.minimum(np.arange(1, len(there) + 1) + self._seen, self._window)
            found[there] = np.convolve(known, np.ones(self._window))[begin : len(known)] / counts
            self._before = known[max(0, len(known) - self._window + 1) :]
            self._seen += len(there)
        return found


def stretches(grid: np.ndarray) -> tuple[list[int], np.ndarray]:
    """At most COLUMNS stretches of the columns of (rows, columns): where each starts, and the largest value in it."""
    count = grid.shape[1]
    starts = sorted({k * count // COLUMNS for k in range(COLUMNS)})
    return starts, np.maximum.reduceat(grid, starts, axis=1)
