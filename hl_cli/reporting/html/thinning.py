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
    most = 2 * len(over) * buckets
    if count <= 2 * most:
        return np.arange(count)
    size = math.ceil(count / buckets)
    rows, found = -(-count // size), [np.array([0, count - 1])]
    for name in over:
        values = np.full(rows * size, np.nan)
        values[:count] = columns[name]
        table = values.reshape(rows, size)
        some = np.flatnonzero(~np.isnan(table).all(1))
        for extreme in (np.nanargmin, np.nanargmax):
            found.append(some * size + extreme(table[some], axis=1))
    return np.unique(np.concatenate(found))


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


def rolling(values: np.ndarray, window: int) -> np.ndarray:
    """The mean over the last `window` steps that have a number, of fewer at the start; none where a step has none."""
    there = np.flatnonzero(~np.isnan(values))
    found = np.full(len(values), np.nan)
    if len(there):  # each window is summed afresh: a sum carried along would lose what is small beside a large
        counts = np.minimum(np.arange(1, len(there) + 1), window)
        found[there] = np.convolve(values[there], np.ones(window))[: len(there)] / counts
    return found


def stretches(grid: np.ndarray) -> tuple[list[int], np.ndarray]:
    """At most COLUMNS stretches of the columns of (rows, columns): where each starts, and the largest value in it."""
    count = grid.shape[1]
    starts = sorted({k * count // COLUMNS for k in range(COLUMNS)})
    return starts, np.maximum.reduceat(grid, starts, axis=1)
