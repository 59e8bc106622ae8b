"""The steps that the loop took at once: what the arms said, step by step, and a record of each where somebody asks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property

import numpy as np

from hl_cli.compare.counted import Counted
from hl_cli.compare.record import StepRecord


class Burst:
    """first, last: its steps. said: of each arm, what was measured; it has fewer steps where it diverged.

    notable: the steps, the last among them, whose records say more than the means, in their order.
    """

    def __init__(
        self,
        first: int,
        last: int,
        said: Mapping[str, Counted],
        make: Callable[[int], StepRecord],
        notable: Sequence[int],
    ) -> None:
        self.first, self.last = first, last
        self.said, self._make, self._notable = said, make, notable

    def __len__(self) -> int:
        return self.last - self.first + 1

    @cached_property
    def means(self) -> dict[str, np.ndarray]:
        """By arm, of all steps that have any, a row each (hl_cli.compare.metrics)."""
        return {name: of.means for name, of in self.said.items()}

    def between(self, first: int, last: int) -> dict[str, np.ndarray]:
        """The same of some of its steps."""
        return {name: of.between(first - self.first, last - self.first) for name, of in self.said.items()}

    @cached_property
    def notable(self) -> list[StepRecord]:
        """The records of the notable steps."""
        return [self._make(step) for step in self._notable]

    @cached_property
    def records(self) -> list[StepRecord]:
        """The record of each step."""
        known = dict(zip(self._notable, self.notable, strict=True))
        return [known.get(step) or self._make(step) for step in range(self.first, self.last + 1)]
