"""predictions.csv, with `predictions=true`: what each arm said of every sample before it learnt of the target.

A row is a row of a sample's target: of a sample of the batch (column `sample`, from 0, where a batch has several), at a
tick that counts (column `tick`, from 0, where every one of several does).

    step[,sample][,tick][,time],target,hl,pytorch

Of classes there are the number of the class and the class that each arm names. Of values there are the target and what
each arm says, in the units of the data where the stream standardises; where a target has several numbers each has a
column: target_1, target_2, hl_1, hl_2. A cell is empty where no target counted, and of an arm that has diverged, or
that was never asked.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor

from hl_cli.compare.metrics import named
from hl_cli.compare.observer import Observer
from hl_cli.compare.side_by_side import StepRecord
from hl_cli.reporting.growing import Mark, close_all, grow, mark_of, settle
from hl_cli.streams.base import Stream
from hl_cli.types import Units

FILE = "predictions.csv"
FLUSH_EVERY = 1000  # steps


class _Asked(NamedTuple):
    """A sample that not all arms have said something of."""

    step: int
    target: Tensor | None
    units: Units | None


class Predictions(Observer):
    """Writes the rows of a sample once all arms have said something of it; a pipeline does so some steps later.

    names: the arms, in order; stream: asked for units from here on, so before its first sample; start: from
    `state_dict`, to go on with the file that is there.
    """

    def __init__(
        self, folder: Path, names: Sequence[str], stream: Stream, batch_size: int, start: dict[str, Any] | None = None
    ) -> None:
        self._classes = stream.task.kind == "classes"
        self._width = 1 if self._classes else stream.task.size
        self._ticks = stream.ticks if stream.task.targets == "all" else 1
        self._batched, self._timed = batch_size > 1, stream.label()
        self._waiting: deque[_Asked] = deque()
        self._said: dict[str, deque[Tensor]] = {name: deque() for name in names}
        self._gone: set[str] = set()
        self._file = grow(folder / FILE, start["mark"] if start else None)
        self._writer = csv.writer(self._file)
        if start is None:
            keys = ["step", *["sample"] * self._batched, *["tick"] * (self._ticks > 1), *["time"] * self._timed]
            self._writer.writerow([*keys, *(column for of in ("target", *names) for column in self._columns(of))])
            return
        self._waiting.extend(_Asked(*asked) for asked in start["waiting"])
        self._gone = set(start["gone"])
        for name, said in start["said"].items():
            self._said[name].extend(said)

    def _columns(self, of: str) -> list[str]:
        return [of] if self._width == 1 else [f"{of}_{k + 1}" for k in range(self._width)]

    def consume(self, record: StepRecord) -> None:
        """Take one step in; write the samples of which all has been said."""
        assert record.sample is not None
        self._waiting.append(_Asked(record.step, record.sample.target, record.sample.units))
        for name, said in (record.said or {}).items():
            if len(said.prediction):  # none where a pipeline has yet to say something of its first sample
                self._said[name].append(said.prediction)
        self._gone |= {one.learner for one in record.diverged}
        while self._waiting and all(said or name in self._gone for name, said in self._said.items()):
            self._write()
        if record.step % FLUSH_EVERY == 0:
            self._file.flush()

    def _write(self) -> None:
        """The rows of the sample that has waited longest."""
        asked = self._waiting.popleft()
        said = [predictions.popleft() if predictions else None for predictions in self._said.values()]
        count = max((len(part) for part in (asked.target, *said) if part is not None), default=0)
        scale, shift, times = asked.units or (None, None, [])
        columns = [self._cells(part, count, scale, shift) for part in (asked.target, *said)]
        for row in range(count):
            sample, tick = divmod(row, self._ticks)
            key: list[Any] = [asked.step, *[sample] * self._batched, *[tick] * (self._ticks > 1)]
            time = [times[row] if times else ""] * self._timed
            self._writer.writerow([*key, *time, *(cell for column in columns for cell in column[row])])

    def _cells(self, part: Tensor | None, count: int, scale: Tensor | None, shift: Tensor | None) -> list[list[Any]]:
        """`count` rows of cells of a target or a prediction."""
        if part is None:
            return [[""] * self._width] * count
        if self._classes:
            return [[number] for number in (named(part) if part.dim() > 1 else part).tolist()]
        values = part.detach().double().cpu()
        if scale is not None and shift is not None:
            values = values * scale.double().cpu() + shift.double().cpu()
        return values.tolist()

    def state_dict(self) -> dict[str, Any]:
        """The mark after whole samples, on the disk then, and those that wait."""
        return {
            "mark": settle(self._file),
            "waiting": [tuple(asked) for asked in self._waiting],
            "said": {name: list(said) for name, said in self._said.items()},
            "gone": sorted(self._gone),
        }

    def marks(self) -> dict[str, Mark]:
        """What was written."""
        return {FILE: mark_of(self._file)}

    def close(self) -> None:
        """What still waits, with empty cells for what was not said, and what is buffered."""
        while self._waiting:
            self._write()
        close_all([self._file])
