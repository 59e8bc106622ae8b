"""The CSV files of a run, the contract that other tools read. Numbers are written in full precision."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, fields
from pathlib import Path
from typing import Any

from hl_cli.compare.burst import Burst
from hl_cli.compare.counted import Counted
from hl_cli.compare.differences import Distance, TensorDistance
from hl_cli.compare.observer import Observer
from hl_cli.compare.pairs import Pairs
from hl_cli.compare.running_metrics import RunningMetrics
from hl_cli.compare.side_by_side import StepRecord
from hl_cli.reporting.cells import as_cell
from hl_cli.reporting.curves import Curves
from hl_cli.reporting.growing import Mark, close_all, grow, mark_of, settle
from hl_cli.reporting.whole import whole
from hl_cli.types import Physics, Scores

FLUSH_EVERY = 1000  # steps


class Tables(Observer):
    """Writes each record as it comes; rows are buffered and reach the disk every FLUSH_EVERY steps.

    tally: the running scores, which has taken each record before this one does; tasks: whether the stream changes over
    time, which has a table of its own; pairs: the arms whose differences from the reference have rows, with a column a
    tensor; physics: the arms that have any. Where there is more than one of these, a column `arm` says which. start:
    from `state_dict`, to go on with files that are there.
    """

    def __init__(
        self,
        folder: Path,
        tally: RunningMetrics,
        pairs: Pairs,
        physics: Sequence[str],
        tasks: bool = False,
        start: dict[str, Mark] | None = None,
    ) -> None:
        self._tally, self._measure = tally, tally.measure
        measure = tally.measure
        scores = [f"{name}_{metric}" for metric in measure.names for name in tally.names]
        tensors = list(dict.fromkeys(tensor for of in pairs.of.values() for tensor in of.names))
        self._several = {"pairs": len(pairs.of) > 1, "physics": len(physics) > 1}
        arm = {kind: ["arm"] * several for kind, several in self._several.items()}
        columns: dict[str, list[str]] = {
            "curves.csv": ["step", *scores],
            "evaluation.csv": ["step", *scores],
            "running.csv": ["step", *(f"{over}_{score}" for over in ("window", "cumulative") for score in scores)],
            "weight_difference.csv": ["step", *arm["pairs"], *(f.name for f in fields(Distance))],
            "tensor_difference.csv": ["step", *arm["pairs"], *map(as_cell, tensors)],
            "physics.csv": ["step", *arm["physics"], *(f.name for f in fields(Physics))],
        }
        if tasks:
            columns["tasks.csv"] = ["step", "trained", "task", *scores]
        self._files = {name: grow(folder / name, start[name] if start else None) for name in columns}
        self._writers = {name: csv.writer(file) for name, file in self._files.items()}
        for name, header in columns.items():
            if start is None:
                self._writers[name].writerow(header)
        self._curves = Curves(self._files["curves.csv"], tally)

    def consume(self, record: StepRecord) -> None:
        """One row a file that has something new."""
        self._curves.add(record.step, record.step, {name: Counted.one(means) for name, means in record.means.items()})
        self._rows(record)
        self._flush(record.step, record.step)

    def consume_burst(self, burst: Burst) -> None:
        """The rows of its steps."""
        self._curves.add(burst.first, burst.last, burst.said)
        for record in burst.notable:
            self._rows(record)
        self._flush(burst.first, burst.last)

    def _flush(self, first: int, last: int) -> None:
        """Where one of these steps is the FLUSH_EVERY-th."""
        if last // FLUSH_EVERY > (first - 1) // FLUSH_EVERY:
            self._curves.write()
            for file in self._files.values():
                file.flush()

    def _rows(self, record: StepRecord) -> None:
        if record.measured:
            self._writers["running.csv"].writerow([record.step, *self._running(record)])
        for name, pair in record.pairs.items():
            key = [record.step, *[name] * self._several["pairs"]]
            if pair.distance is not None:
                self._writers["weight_difference.csv"].writerow([*key, *astuple(pair.distance)])
            if pair.by_tensor is not None:
                self._writers["tensor_difference.csv"].writerow([*key, *pair.by_tensor])
        for name, physics in record.physics.items():
            key = [record.step, *[name] * self._several["physics"]]
            self._writers["physics.csv"].writerow([*key, *astuple(physics)])
        if record.held_out is not None:
            self._writers["evaluation.csv"].writerow([record.step, *self._named(record.held_out)])
        for task, scores in (record.tasks or {}).items():
            self._writers["tasks.csv"].writerow(
                [record.step, as_cell(record.trained), as_cell(task), *self._named(scores)]
            )

    def _running(self, record: StepRecord) -> list[Any]:
        """The scores over the last WINDOW steps, then over all; none of an arm that has diverged."""
        cells: list[Any] = []
        running = self._tally.running(record)
        for over in (self._tally.last, self._tally.total):
            scores = {name: over[name].scores() for name in running}
            cells += self._named({name: of for name, of in scores.items() if of})
        return cells

    def _named(self, scores: dict[str, Scores]) -> list[Any]:
        return self._cells({name: tuple(of.values()) for name, of in scores.items()})

    def _cells(self, values: dict[str, tuple[float, ...]]) -> list[Any]:
        return cells(values, self._tally.names, len(self._measure.names))

    def state_dict(self) -> dict[str, Mark]:
        """The mark of each file after the records so far; they are on the disk then."""
        self._curves.write()
        return {name: settle(file) for name, file in self._files.items()}

    def marks(self) -> dict[str, Mark]:
        """What was written, file by file."""
        return {name: mark_of(file) for name, file in self._files.items()}

    def close(self) -> None:
        """Write what is buffered."""
        try:
            self._curves.write()
        finally:
            close_all([*self._files.values()])


def cells(values: dict[str, tuple[float, ...]], names: Sequence[str], metrics: int) -> list[Any]:
    """Metric by metric, arm by arm; empty where there is no number."""
    empty = (math.nan,) * metrics
    pairs = zip(*(values.get(name, empty) for name in names), strict=True)
    return [value if value == value else "" for pair in pairs for value in pair]  # NaN differs from itself


def write_weights(folder: Path, tensors: Mapping[str, Iterable[TensorDistance]]) -> None:
    """weights.csv: the last step, tensor by tensor; with a column `arm` where several are compared."""
    several = len(tensors) > 1
    with whole(folder / "weights.csv") as path, path.open("w", newline="") as file:
        writer = csv.writer(file)
        header = ["tensor", "shape", *(f.name for f in fields(Distance)), "first_step"]
        writer.writerow([*["arm"] * several, *header])
        for name, of in tensors.items():
            for t in of:
                row = [as_cell(t.tensor), "x".join(map(str, t.shape)), *astuple(t.distance), t.first_step]
                writer.writerow([*[name] * several, *("" if cell is None else cell for cell in row)])
