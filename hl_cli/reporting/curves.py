"""The rows of curves.csv, made and written many at a time: a row a step costs more than the step of a small net."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import IO

import numpy as np

from hl_cli.compare.counted import Counted
from hl_cli.compare.running_metrics import RunningMetrics
from hl_cli.reporting.decimals import Lines


class Curves:
    """Loss and scores of each step, metric by metric, arm by arm; scores that need many rows are of the window there.

    file: for rows; tally: has taken each record before this does.
    """

    def __init__(self, file: IO[str], tally: RunningMetrics) -> None:
        self._file, self._tally, self._measure, self._lines = file, tally, tally.measure, Lines()
        self._pooled = [k for k, name in enumerate(tally.measure.names) if name in tally.measure.pooled]
        self._waiting: list[tuple[int, int, Mapping[str, Counted]]] = []
        self._taken: dict[str, int] = {}  # the steps of each arm's window at the last of them

    def add(self, first: int, last: int, said: Mapping[str, Counted]) -> None:
        """Take some steps in. said: by arm, what was measured in them, or in the first of them, where it diverged."""
        self._waiting.append((first, last, said))
        for name in said:
            self._taken[name] = self._tally.last[name].taken

    def write(self) -> None:
        """Write the rows of all steps so far."""
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        steps = range(waiting[0][0], waiting[-1][1] + 1)
        table = np.full((len(steps), len(self._measure.names), len(self._tally.names)), math.nan)
        for k, name in enumerate(self._tally.names):
            of = [(first - steps[0] + said[name].at, said[name].means) for first, _, said in waiting if name in said]
            there, means = map(np.concatenate, zip(*of, strict=True)) if of else (np.empty(0), np.empty(0))
            if len(there):
                table[there, :, k] = self._scores(name, means)
        rows = table.reshape(len(steps), -1)
        self._file.write(self._lines.of(steps[0], rows))

    def _scores(self, name: str, means: np.ndarray) -> np.ndarray:
        found = self._measure.table(means)
        if self._pooled:
            window = self._tally.last[name]
            over = self._measure.table(window.each(len(means), window.taken - self._taken[name]))
            found[:, self._pooled] = over[:, self._pooled]
        return found
