"""thousands.csv: the scores of each thousand steps by itself, how a run without end is told; and a table of it.

Steps are test-then-train: a prediction is scored before its weights learn of the target.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hl_cli.compare.burst import Burst
from hl_cli.compare.metrics import Measure, Total
from hl_cli.compare.observer import Observer
from hl_cli.compare.side_by_side import StepRecord
from hl_cli.reporting.columns import read
from hl_cli.reporting.growing import Mark, close_all, grow, mark_of, settle
from hl_cli.reporting.tables import cells
from hl_cli.types import Scores

FILE = "thousands.csv"
SPAN = 1000  # steps
MOST_ROWS = 20  # of the table


class Thousands(Observer):
    """Writes a row when a thousand steps are full, and a last one for the rest; keeps nothing that grows.

    names: the arms, in order; start: from `state_dict`, to go on with the file that is there.
    """

    def __init__(
        self, folder: Path, measure: Measure, names: Sequence[str], start: dict[str, Any] | None = None
    ) -> None:
        self._measure, self._names = measure, names
        self._file = grow(folder / FILE, start["mark"] if start else None)
        self._writer = csv.writer(self._file)
        self._first: int = start["first"] if start else 1
        self._last: int = start["last"] if start else 0
        self._full: dict[str, Scores] = start.get("full", {}) if start else {}
        self._start()
        if start is None:
            scores = [f"{learner}_{metric}" for metric in measure.names for learner in names]
            self._writer.writerow(["first_step", "last_step", *scores])
            return
        for name, total in self._totals.items():
            total.load_state_dict(start["totals"][name])

    def _start(self) -> None:
        self._totals = {name: Total(self._measure) for name in self._names}

    def consume(self, record: StepRecord) -> None:
        """Take one step in."""
        self._last = record.step
        for name, means in record.means.items():
            self._totals[name].add(means)
        self._end()

    def consume_burst(self, burst: Burst) -> None:
        """Its steps, up to each thousand that is full."""
        first = burst.first
        while first <= burst.last:
            self._last = min(burst.last, -(-first // SPAN) * SPAN)
            for name, means in burst.between(first, self._last).items():
                self._totals[name].extend(means)
            self._end()
            first = self._last + 1

    def _end(self) -> None:
        """Write a row where a thousand steps are full."""
        if self._last % SPAN == 0:
            self._full = {name: total.scores() for name, total in self._totals.items() if total.count}
            self._write()

    def numbers(self) -> dict[str, Scores]:
        """The scores over the last thousand steps that are full: last_thousand_loss and the like."""
        return {name: {f"last_thousand_{key}": v for key, v in of.items()} for name, of in self._full.items()}

    def _write(self) -> None:
        scores = {name: tuple(total.scores().values()) for name, total in self._totals.items() if total.count}
        self._writer.writerow([self._first, self._last, *cells(scores, self._names, len(self._measure.names))])
        self._file.flush()
        self._first = self._last + 1
        self._start()

    def state_dict(self) -> dict[str, Any]:
        """The mark after full thousands, on the disk then, and what the next row holds so far."""
        totals = {name: total.state_dict() for name, total in self._totals.items()}
        return {
            "mark": settle(self._file),
            "first": self._first,
            "last": self._last,
            "totals": totals,
            "full": self._full,
        }

    def marks(self) -> dict[str, Mark]:
        """What was written."""
        return {FILE: mark_of(self._file)}

    def close(self) -> None:
        """The rest, and what is buffered."""
        if self._last >= self._first:
            self._write()
        close_all([self._file])


def thousands(folder: Path, names: dict[str, str]) -> list[list[str]]:
    """Header and rows for the report, at most MOST_ROWS, evenly spread and with the last; names: labels by arm."""
    columns = read(folder / FILE)
    count = len(columns["last_step"])
    first = next(iter(names))
    metrics = [
        metric for metric in ("loss", "accuracy", "r2", "power_error", "skill") if f"{first}_{metric}" in columns
    ]
    every = -(-count // MOST_ROWS)
    header = [f"{metric.replace('_', ' ')}, {label}" for metric in metrics for label in names.values()]
    rows = [["steps", *header]]
    for k in range((count - 1) % every if count else 0, count, every or 1):
        values = [columns[f"{learner}_{metric}"][k] for metric in metrics for learner in names]
        span = f"{columns['first_step'][k]:.0f} to {columns['last_step'][k]:.0f}"
        rows.append([span, *("-" if v != v else f"{v:.4g}" for v in values)])
    return rows
