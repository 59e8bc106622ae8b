"""The steps that the loop took at once: what the arms said, step by step, and a record of each where somebody asks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property

from hl_cli.compare.metrics import Means
from hl_cli.compare.record import StepRecord


class Burst:
    """first, last: its steps. said: of each arm, one a step, what was measured or None; fewer of one that diverged.

    notable: the steps, the last among them, whose records say more than the means, in their order.
    """

    def __init__(
        self,
        first: int,
        last: int,
        said: Mapping[str, Sequence[Means | None]],
        make: Callable[[int], StepRecord],
        notable: Sequence[int],
    ) -> None:
        self.first, self.last = first, last
        self.said, self._make, self._notable = said, make, notable

    def __len__(self) -> int:
        return self.last - self.first + 1

    @cached_property
    def means(self) -> dict[str, list[Means]]:
        """By arm, of all steps that have any."""
        return self.between(self.first, self.last)

    def between(self, first: int, last: int) -> dict[str, list[Means]]:
        """The same of some of its steps."""
        part = slice(first - self.first, last - self.first + 1)
        return {name: [m for m in of[part] if m is not None] for name, of in self.said.items()}

    @cached_property
    def notable(self) -> list[StepRecord]:
        """The records of the notable steps."""
        return [self._make(step) for step in self._notable]

    @cached_property
    def records(self) -> list[StepRecord]:
        """The record of each step."""
        known = dict(zip(self._notable, self.notable, strict=True))
        return [known.get(step) or self._make(step) for step in range(self.first, self.last + 1)]
