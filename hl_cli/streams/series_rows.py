"""The rows of a series in units of what was known at each: standardised with the statistics of the rows so far.

    values    x_t = (v_t - mean_t) / spread_t        target (v_{t+horizon} - mean_t) / spread_t      persistence: x_t
    changes   x_t = (d_t - mean_t) / spread_t        target (v_{t+horizon} - v_t) / spread_t         persistence: 0

with v the columns, d_t = v_t - v_{t-1} (0 in the first row), mean_t and spread_t those of v, or of d, in rows 0..t.
"""

from __future__ import annotations

from collections import deque
from typing import Any, NamedTuple

import torch
from torch import Tensor

from hl_cli.streams.csv_rows import CsvRows, Place
from hl_cli.streams.csv_times import Times
from hl_cli.streams.moments import Moments, deviation
from hl_cli.streams.source_file import shown
from hl_cli.streams.windows import Rows

MOST_HELD_OUT = 10_000  # rows


class Columns(NamedTuple):
    """read: indices in the file; of these columns the first `seen` are inputs, and number `aim` is the target.

    changes: whether their changes are seen and predicted, or their values.
    """

    read: list[int]
    seen: int
    aim: int
    changes: bool

    def looked_at(self, v: Tensor, before: Tensor) -> Tensor:
        """The rows v, or how they change; before: the row before them, (0 or 1, columns)."""
        return torch.diff(v, dim=0, prepend=before if len(before) else v[:1]) if self.changes else v

    def pairs(self, x: Tensor, level: Tensor, spread: Tensor, horizon: int) -> Rows:
        """Inputs, target and baseline of all rows but the last `horizon`.

        x: standardised columns; level: of the target, its value and what is subtracted from it; spread: by what it is
        divided.
        """
        ready = max(0, len(x) - horizon)
        value, centre = level[:, :1], level[:ready, 1:]
        target, baseline = (value[horizon:] - centre) / spread[:ready], (value[:ready] - centre) / spread[:ready]
        return Rows(x[:ready, : self.seen].contiguous(), target, baseline, torch.cat((spread[:ready], centre), 1))


class Mark(NamedTuple):
    """A row, its place in the file, the statistics of all rows before it, and the last of these."""

    row: int
    place: Place
    moments: Moments
    before: Tensor


class PastRows:
    """Rows `warmup`..end - horizon - 1, a source of windows. The statistics begin with row 0."""

    def __init__(self, table: CsvRows, columns: Columns, horizon: int, warmup: int, end: int) -> None:
        self._table, self._columns = table, columns
        self._horizon, self._warmup, self._end = horizon, warmup, end
        self._mark = start(table, columns)
        # Rows that wait for their target: standardised columns, then of the target its value, centre and deviation.
        self._waiting = torch.empty(0, len(columns.read) + 3, dtype=torch.float64)

    def __next__(self) -> Rows:
        columns, aim = self._columns, self._columns.aim
        while self._mark.row < self._end:
            row, place, moments, before = self._mark
            piece = self._table.read(place, min(self._table.piece, self._end - row), columns.read)
            v = piece.values
            x = columns.looked_at(v, before)
            mean, spread, moments = moments.follow(x)
            self._mark = Mark(row + len(v), piece.after, moments, v[-1:].clone())
            of_target = torch.stack([part[:, aim] for part in (v, v if columns.changes else mean, spread)], 1)
            new = torch.cat(((x - mean) / spread, of_target), 1)[max(0, self._warmup - row) :]
            rows = torch.cat((self._waiting, new))
            self._waiting = rows[max(0, len(rows) - self._horizon) :].clone()
            if len(rows) > self._horizon:
                return columns.pairs(rows, rows[:, -3:-1], rows[:, -1:], self._horizon)
        raise StopIteration

    def state_dict(self) -> dict[str, Any]:
        """Row, place in the file, statistics, and the rows that wait for their target."""
        mark = self._mark._asdict() | {"place": [*self._mark.place], "moments": [*self._mark.moments]}
        return {"size": self._table.file.size, **mark, "waiting": self._waiting}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go to that row."""
        self._table.file.same_size(state["size"])
        self._mark = Mark(state["row"], Place(*state["place"]), Moments(*state["moments"]), state["before"])
        self._waiting = state["waiting"]


def start(table: CsvRows, columns: Columns) -> Mark:
    """The first row."""
    count = len(columns.read)
    return Mark(0, table.first, Moments.none(count), torch.empty(0, count, dtype=torch.float64))


def survey(table: CsvRows, columns: Columns, time: int | None) -> tuple[int, deque[Mark]]:
    """Check and count all rows. Also give the last marks, from which any row that may be held out can be reached."""
    marks: deque[Mark] = deque(maxlen=MOST_HELD_OUT // table.piece + 3)
    mark, times = start(table, columns), Times()
    while (piece := table.read(mark.place, table.piece, columns.read, time)).lines:
        marks.append(mark)
        moments = mark.moments.follow(columns.looked_at(piece.values, mark.before))[2]
        if time is not None and (fault := times.fault(piece.times)):
            k, what = fault
            raise table.file.bad(
                f"column {shown(table.names[time])}, line {piece.lines[k]}: {what}; "
                "allowed: numbers or ISO times in even steps forward, or stream.time=null"
            )
        mark = Mark(mark.row + len(piece.lines), piece.after, moments, piece.values[-1:].clone())
    return mark.row, marks


def held_out_rows(table: CsvRows, columns: Columns, horizon: int, start: int, end: int, marks: deque[Mark]) -> Rows:
    """Rows start..end - horizon - 1, standardised with the statistics of all rows before `start`."""
    row, place, moments, before = next(mark for mark in reversed(marks) if mark.row <= start)
    pieces: list[Tensor] = []
    for first in range(row, end, table.piece):
        piece = table.read(place, min(table.piece, end - first), columns.read)
        pieces.append(piece.values)
        place = piece.after
    v = torch.cat(pieces)
    x = columns.looked_at(v, before)
    moments = moments.follow(x[: start - row])[2]
    mean, spread = moments.mean, deviation(moments.squares, torch.tensor(moments.rows))
    x, level = (x[start - row :] - mean) / spread, v[start - row :, [columns.aim]]
    centre = level if columns.changes else mean[columns.aim].expand_as(level)
    return columns.pairs(x, torch.cat((level, centre), 1), spread[columns.aim].expand_as(level), horizon)
