"""The CSV files of a run, the contract that other tools read. Numbers are written in full precision."""

from __future__ import annotations

import csv
import math
from array import array
from collections.abc import Iterable
from dataclasses import astuple, fields
from pathlib import Path
from typing import Any

from hl_cli.compare.differences import Distance, TensorDistance
from hl_cli.compare.side_by_side import StepRecord
from hl_cli.types import Physics, Scores

LEARNERS = ("hl", "pytorch")
CURVES = ("step", "hl_loss", "pytorch_loss", "hl_accuracy", "pytorch_accuracy")
COLUMNS: dict[str, tuple[str, ...]] = {
    "curves.csv": CURVES,
    "evaluation.csv": CURVES,
    "weight_difference.csv": ("step", *(f.name for f in fields(Distance))),
    "physics.csv": ("step", *(f.name for f in fields(Physics))),
}
FLUSH_EVERY = 1000  # steps


def _row(step: int, scores: dict[str, Scores]) -> list[Any]:
    """Step, losses, accuracies; empty cells for a learner that has diverged."""
    both = [scores.get(name) for name in LEARNERS]
    return [step, *(s.loss if s else "" for s in both), *(s.accuracy if s else "" for s in both)]


class Tables:
    """Writes each record as it comes; rows are buffered and reach the disk every FLUSH_EVERY steps."""

    def __init__(self, folder: Path) -> None:
        self._files = {name: (folder / name).open("w", newline="") for name in COLUMNS}
        self._writers = {name: csv.writer(file) for name, file in self._files.items()}
        for name, columns in COLUMNS.items():
            self._writers[name].writerow(columns)
        self._curves = self._writers["curves.csv"]

    def consume(self, record: StepRecord) -> None:
        """One row a file that has something new."""
        self._curves.writerow(_row(record.step, record.scores))
        if record.distance is not None:
            self._writers["weight_difference.csv"].writerow([record.step, *astuple(record.distance)])
        if record.physics is not None:
            self._writers["physics.csv"].writerow([record.step, *astuple(record.physics)])
        if record.held_out is not None:
            self._writers["evaluation.csv"].writerow(_row(record.step, record.held_out))
        if record.step % FLUSH_EVERY == 0:
            for file in self._files.values():
                file.flush()

    def close(self) -> None:
        """Write what is buffered."""
        for file in self._files.values():
            file.close()


def write_weights(folder: Path, tensors: Iterable[TensorDistance]) -> None:
    """weights.csv: the last step, tensor by tensor."""
    with (folder / "weights.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["tensor", "shape", *(f.name for f in fields(Distance)), "first_step"])
        for t in tensors:
            shape = "x".join(map(str, t.shape))
            writer.writerow([t.tensor, shape, *astuple(t.distance), "" if t.first_step is None else t.first_step])


def read(path: Path) -> dict[str, array[float]]:
    """A CSV file of this run by column; an empty cell is NaN."""
    with path.open(newline="") as file:
        rows = csv.reader(file)
        columns = {name: array("d") for name in next(rows)}
        for row in rows:
            for column, cell in zip(columns.values(), row, strict=True):
                column.append(float(cell) if cell else math.nan)
    return columns
