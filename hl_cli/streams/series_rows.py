"""The rows of a series in units of what was known at each: standardised with the statistics of the rows so far.

    values    x_t = (v_t - mean_t) / spread_t        target (v_{t+horizon} - mean_t) / spread_t      persistence: x_t
    changes   x_t = (d_t - mean_t) / spread_t        target (v_{t+horizon} - v_t) / spread_t         persistence: 0

with v the columns, d_t = v_t - v_{t-1} (0 in the first row), mean_t and spread_t those of v, or of d, in rows 0..t.
A column of words is one-hot, 0 or 1 and not standardised, behind the columns of numbers: a place for each word, in the
order in which they first appear.
"""

from __future__ import annotations

from collections import deque
from typing import Any, NamedTuple

import torch
from torch import Tensor

from hl_cli.streams.csv_cells import Cells
from hl_cli.streams.csv_rows import Place
from hl_cli.streams.csv_times import Times
from hl_cli.streams.moments import Moments, deviation
from hl_cli.streams.rows import Rows

MOST_HELD_OUT = 10_000  # rows


class Columns(NamedTuple):
    """numbers: how many columns of numbers are read; the first `seen` are inputs, and number `aim` is the target.

    changes: whether their changes are seen and predicted, or their values; words: how many different words each of the
    columns of words has, which are behind the numbers.
    """

    numbers: int
    seen: int
    aim: int
    changes: bool
    words: tuple[int, ...] = ()

    def looked_at(self, v: Tensor, before: Tensor) -> Tensor:
        """The rows v, or how they change; before: the row before them, (0 or 1, columns)."""
        return torch.diff(v, dim=0, prepend=before if len(before) else v[:1]) if self.changes else v

    def standardised(self, x: Tensor, mean: Tensor, spread: Tensor, v: Tensor) -> Tensor:
        """The rows x in units of what was known; words stay the numbers that they are in v."""
        units = (x - mean) / spread
        return torch.cat((units[:, : self.numbers], v[:, self.numbers :]), 1) if self.words else units

    def inputs(self, x: Tensor) -> Tensor:
        """What a net sees of standardised rows."""
        words = [
            torch.nn.functional.one_hot(x[:, self.numbers + k].long(), size).to(x.dtype)
            for k, size in enumerate(self.words)
        ]
        return torch.cat((x[:, : self.seen], *words), 1) if words else x[:, : self.seen].contiguous()

    def pairs(self, x: Tensor, level: Tensor, spread: Tensor, horizon: int, times: list[str]) -> Rows:
        """Inputs, target and baseline of all rows but the last `horizon`; times: of all rows, or none.

        x: standardised columns; level: of the target, its value and what is subtracted from it; spread: by what it is
        divided.
        """
        ready = max(0, len(x) - horizon)
        value, centre = level[:, :1], level[:ready, 1:]
        target, baseline = (value[horizon:] - centre) / spread[:ready], (value[:ready] - centre) / spread[:ready]
        units = torch.cat((spread[:ready], centre), 1)
        return Rows(self.inputs(x[:ready]), target, baseline, units, times[horizon : horizon + ready])


class Mark(NamedTuple):
    """A row, its place in the file, the statistics of all rows before it, and the last of these."""

    row: int
    place: Place
    moments: Moments
    before: Tensor


class PastRows:
    """Rows `warmup`..end - horizon - 1, a source of windows. The statistics begin with row 0."""

    def __init__(self, cells: Cells, columns: Columns, horizon: int, warmup: int, end: int) -> None:
        self._cells, self._columns = cells, columns
        self._horizon, self._warmup, self._end = horizon, warmup, end
        self._mark = start(cells)
        # Rows that wait for their target: standardised columns, then of the target its value, centre and deviation.
        self._waiting = torch.empty(0, cells.width + 3, dtype=torch.float64)
        self._times: list[str] = []  # of these rows

    def __next__(self) -> Rows:
        columns, aim = self._columns, self._columns.aim
        while self._mark.row < self._end:
            row, place, moments, before = self._mark
            piece = self._cells.read(place, min(self._cells.table.piece, self._end - row), before)
            v = piece.values
            x = columns.looked_at(v, before)
            mean, spread, moments = moments.follow(x)
            self._mark = Mark(row + len(v), piece.after, moments, v[-1:].clone())
            of_target = torch.stack([part[:, aim] for part in (v, v if columns.changes else mean, spread)], 1)
            new = torch.cat((columns.standardised(x, mean, spread, v), of_target), 1)
            late = max(0, self._warmup - row)
            rows, times = torch.cat((self._waiting, new[late:])), [*self._times, *piece.times[late:]]
            kept = max(0, len(rows) - self._horizon)
            self._waiting, self._times = rows[kept:].clone(), times[kept:]
            if len(rows) > self._horizon:
                return columns.pairs(rows, rows[:, -3:-1], rows[:, -1:], self._horizon, times)
        raise StopIteration

    def state_dict(self) -> dict[str, Any]:
        """Row, place in the file, statistics, and the rows that wait for their target."""
        mark = self._mark._asdict() | {"place": [*self._mark.place], "moments": [*self._mark.moments]}
        return {"size": self._cells.table.file.size, **mark, "waiting": self._waiting, "times": self._times}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go to that row."""
        self._cells.table.file.same_size(state["size"])
        self._mark = Mark(state["row"], Place(*state["place"]), Moments(*state["moments"]), state["before"])
        self._waiting, self._times = state["waiting"], state["times"]


def start(cells: Cells) -> Mark:
    """The first row."""
    return Mark(0, cells.table.first, Moments.none(cells.width), torch.empty(0, cells.width, dtype=torch.float64))


class Survey(NamedTuple):
    """What a pass over all rows finds. rows: how many can be used; lines: of the file; marks: the last ones, from which
    any row that may be held out can be reached; out_of_order: what is wrong with the times, and where.
    """

    rows: int
    lines: int
    marks: deque[Mark]
    out_of_order: tuple[int, str] | None


def survey(cells: Cells, columns: Columns, times: Times | None) -> Survey:
    """Check and count all rows; what cannot be used is in cells.faults."""
    piece_rows = cells.table.piece
    marks: deque[Mark] = deque(maxlen=MOST_HELD_OUT // piece_rows + 3)
    mark, fault = start(cells), None
    while (piece := cells.read(mark.place, piece_rows, mark.before)).lines:
        marks.append(mark)
        moments = mark.moments.follow(columns.looked_at(piece.values, mark.before))[2]
        if times is not None and fault is None and (found := times.fault(piece.times)):
            fault = piece.lines[found[0]], found[1]
        mark = Mark(mark.row + len(piece.lines), piece.after, moments, piece.values[-1:].clone())
    return Survey(mark.row, piece.after.lines, marks, fault)


def held_out_rows(cells: Cells, columns: Columns, horizon: int, start: int, end: int, marks: deque[Mark]) -> Rows:
    """Rows start..end - horizon - 1, standardised with the statistics of all rows before `start`."""
    row, place, moments, before = next(mark for mark in reversed(marks) if mark.row <= start)
    pieces: list[Tensor] = []
    above = before
    for first in range(row, end, cells.table.piece):
        piece = cells.read(place, min(cells.table.piece, end - first), above)
        pieces.append(piece.values)
        place, above = piece.after, piece.values[-1:]
    v = torch.cat(pieces)
    x = columns.looked_at(v, before)
    moments = moments.follow(x[: start - row])[2]
    mean, spread = moments.mean, deviation(moments.squares, torch.tensor(moments.rows))
    late, level = v[start - row :], v[start - row :, [columns.aim]]
    x = columns.standardised(x[start - row :], mean, spread, late)
    centre = level if columns.changes else mean[columns.aim].expand_as(level)
    return columns.pairs(x, torch.cat((level, centre), 1), spread[columns.aim].expand_as(level), horizon, [])
