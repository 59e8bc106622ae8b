"""What was measured in some steps of one arm, as an array."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from hl_cli.compare.metrics import Means


class Counted(NamedTuple):
    """steps: how many it took; at: places among them, from 0 on, of those in which a target counted; means: of these.

    means is (targets, parts), at (targets,) in rising order.
    """

    steps: int
    at: np.ndarray
    means: np.ndarray

    @classmethod
    def one(cls, means: Means) -> Counted:
        """Of a single step."""
        return cls(1, np.zeros(1, np.int64), np.array([means]))

    def of(self, k: int) -> Means | None:
        """Those of the k-th step, None where no target counted."""
        row = int(np.searchsorted(self.at, k))
        return tuple(self.means[row].tolist()) if row < len(self.at) and self.at[row] == k else None

    def between(self, first: int, last: int) -> np.ndarray:
        """Those of the steps from `first` to `last`."""
        begin, end = np.searchsorted(self.at, (first, last + 1))
        return self.means[begin:end]
