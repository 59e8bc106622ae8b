"""The scores over the last WINDOW steps: of now, and of each of some steps that were taken before they were asked for.

The sum over a window is taken afresh each time: one carried along would lose what is small beside a large. Step t lies
in place t mod WINDOW of a ring, and the steps of a window are added in the order of their places. For many steps at
once, with r_p the rows of a lap of the ring and q_p those of the lap before, the window that ends in place p has

    (((r_0 + r_1) + .. + r_p) + q_(p+1)) + .. + q_(WINDOW-1)

which is a running sum over the lap, to which each place of the lap before is added in turn: the same bits.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from hl_cli.compare.metrics import Means, Measure
from hl_cli.types import Scores

WINDOW = 100  # steps
KEPT = 3000  # steps before the last, whose windows can still be asked for


class Window:
    """taken: how many steps so far, here."""

    def __init__(self, measure: Measure) -> None:
        self._measure = measure
        self._rows: np.ndarray | None = None  # the latest steps, the oldest first
        self._next = 0  # the place of the step that comes
        self._waiting: list[np.ndarray] = []
        self._unfolded = 0  # steps that wait
        self.taken = 0

    @property
    def count(self) -> int:
        """How many steps the window has."""
        return min(WINDOW, self._unfolded + (0 if self._rows is None else len(self._rows)))

    def add(self, means: Means) -> None:
        """Take one step in, and the oldest out."""
        self.extend(np.array([means]))

    def extend(self, means: np.ndarray) -> None:
        """Take many steps in, (steps, parts)."""
        if len(means):
            self._waiting.append(means)
            self._unfolded, self.taken = self._unfolded + len(means), self.taken + len(means)
        if self._unfolded >= KEPT:
            self._fold()

    def _fold(self) -> np.ndarray | None:
        if self._waiting:
            rows = np.concatenate(self._waiting if self._rows is None else [self._rows, *self._waiting])
            self._rows = rows[-(KEPT + WINDOW) :]
            self._next = (self._next + self._unfolded) % WINDOW
            self._waiting, self._unfolded = [], 0
        return self._rows

    def _ring(self) -> np.ndarray | None:
        """The steps of the window as they lie."""
        rows = self._fold()
        if rows is None or len(rows) < WINDOW:
            return rows
        return np.roll(rows[-WINDOW:], self._next, 0)

    def scores(self) -> Scores:
        """The scores over the window; nothing before the first step."""
        ring = self._ring()
        return {} if ring is None else self._measure.scores(tuple(ring.mean(0).tolist()))

    def each(self, count: int, behind: int = 0) -> np.ndarray:
        """The means over the window after each of `count` steps, (count, parts), of which `behind` came after the last.

        Both together are at most KEPT.
        """
        rows = self._fold()
        assert rows is not None
        end = len(rows) - behind
        begin = max(0, end - count - WINDOW)  # what is before it is in none of these windows
        rows, parts = rows[begin:end], rows.shape[1]
        begun = (self._next - behind - len(rows)) % WINDOW  # the place of the first row
        laps = -(-(begun + len(rows)) // WINDOW)
        ring = np.zeros(((1 + laps) * WINDOW, parts))
        ring[WINDOW + begun :][: len(rows)] = rows
        places = ring.reshape(1 + laps, WINDOW, parts).swapaxes(0, 1).copy()  # the laps of a place side by side
        sums = np.cumsum(places[:, 1:], axis=0)
        for place in range(1, WINDOW):
            sums[:place] += places[place, :-1]
        found = sums.swapaxes(0, 1).reshape(-1, parts)[begun:][len(rows) - count : len(rows)]
        sizes = np.minimum(np.arange(end - count + 1, end + 1), WINDOW)
        return found / sizes[:, None]

    def state_dict(self) -> dict[str, Any]:
        """The ring as it lies."""
        found = self._ring()
        if found is None:
            return {"ring": None, "next": self._next, "count": 0}
        ring = np.zeros((WINDOW, found.shape[1]))
        ring[: len(found)] = found
        return {"ring": torch.from_numpy(ring), "next": self._next, "count": len(found)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self._waiting, self._unfolded, self._next, self._rows = [], 0, state["next"], None
        if state["ring"] is not None:
            ring = state["ring"].numpy()
            full = state["count"] == WINDOW
            self._rows = np.roll(ring, -self._next, 0) if full else ring[: state["count"]].copy()
