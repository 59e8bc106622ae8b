"""The rows of a series in units of what was known at each: standardised with the statistics of the rows so far."""

from __future__ import annotations

from collections import deque
from typing import Any, NamedTuple

import torch
from torch import Tensor

from hl_cli.streams.csv_rows import CsvRows, Place
from hl_cli.streams.csv_times import Times
from hl_cli.streams.moments import Moments
from hl_cli.streams.source_file import shown
from hl_cli.streams.windows import Rows

MOST_HELD_OUT = 10_000  # rows


class Columns(NamedTuple):
    """read: indices in the file; of these columns the first `seen` are inputs, and number `aim` is the target."""

    read: list[int]
    seen: int
    aim: int


class Mark(NamedTuple):
    """A row, its place in the file, and the statistics of all rows before it."""

    row: int
    place: Place
    moments: Moments


class PastRows:
    """Rows `warmup`..end - horizon - 1, a source of windows. The statistics begin with row 0."""

    def __init__(self, table: CsvRows, columns: Columns, horizon: int, warmup: int, end: int) -> None:
        self._table, self._columns = table, columns
        self._horizon, self._warmup, self._end = horizon, warmup, end
        self._mark = Mark(0, table.first, Moments.none(len(columns.read)))
        # Rows that wait for their target: standardised columns, then raw value, mean and deviation of the target.
        self._waiting = torch.empty(0, len(columns.read) + 3, dtype=torch.float64)

    def __next__(self) -> Rows:
        seen, aim, horizon = self._columns.seen, self._columns.aim, self._horizon
        while self._mark.row < self._end:
            row, place, moments = self._mark
            piece = self._table.read(place, min(self._table.piece, self._end - row), self._columns.read)
            x = piece.values
            mean, spread, moments = moments.follow(x)
            self._mark = Mark(row + len(x), piece.after, moments)
            raw = torch.stack([part[:, aim] for part in (x, mean, spread)], 1)
            new = torch.cat(((x - mean) / spread, raw), 1)[max(0, self._warmup - row) :]
            rows = torch.cat((self._waiting, new))
            ready = max(0, len(rows) - horizon)
            self._waiting = rows[ready:].clone()
            if ready:
                target = (rows[horizon:, -3] - rows[:ready, -2]) / rows[:ready, -1]
                return Rows(rows[:ready, :seen], target.unsqueeze(1), rows[:ready, aim : aim + 1])
        raise StopIteration

    def state_dict(self) -> dict[str, Any]:
        """Row, place in the file, statistics, and the rows that wait for their target."""
        row, place, moments = self._mark
        size = self._table.file.size
        return {"size": size, "row": row, "place": [*place], "moments": [*moments], "waiting": self._waiting}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go to that row."""
        self._table.file.same_size(state["size"])
        self._mark = Mark(state["row"], Place(*state["place"]), Moments(*state["moments"]))
        self._waiting = state["waiting"]


def survey(table: CsvRows, columns: Columns, time: int | None) -> tuple[int, deque[Mark]]:
    """Check and count all rows. Also give the last marks, from which any row that may be held out can be reached."""
    marks: deque[Mark] = deque(maxlen=MOST_HELD_OUT // table.piece + 3)
    row, place, moments, times = 0, table.first, Moments.none(len(columns.read)), Times()
    while (piece := table.read(place, table.piece, columns.read, time)).lines:
        marks.append(Mark(row, place, moments))
        moments = moments.follow(piece.values)[2]
        if time is not None and (fault := times.fault(piece.times)):
            k, what = fault
            raise table.file.bad(
                f"column {shown(table.names[time])}, line {piece.lines[k]}: {what}; "
                "allowed: numbers or ISO times in even steps forward, or stream.time=null"
            )
        row, place = row + len(piece.lines), piece.after
    return row, marks


def held_out_rows(table: CsvRows, columns: Columns, horizon: int, start: int, end: int, marks: deque[Mark]) -> Rows:
    """Rows start..end - horizon - 1, standardised with the statistics of all rows before `start`."""
    row, place, moments = next(mark for mark in reversed(marks) if mark.row <= start)
    pieces: list[Tensor] = []
    for first in range(row, end, table.piece):
        piece = table.read(place, min(table.piece, end - first), columns.read)
        pieces.append(piece.values)
        place = piece.after
    x = torch.cat(pieces)
    moments = moments.follow(x[: start - row])[2]
    z = moments.standardised(x[start - row :])
    y = z[:, [columns.aim]]
    return Rows(z[:-horizon, : columns.seen], y[horizon:], y[:-horizon])
