"""A program that the driver runs: one period at a time, or many in a burst."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from hl_cli.engine.words import fresh, paced

AT_ONCE = 0.1  # seconds after which a burst gives back what it has: somebody may want to interrupt it
FORMATS = (torch.contiguous_format, torch.preserve_format, torch.channels_last, torch.channels_last_3d)
"""Memory formats in the order of their numbers, which is how a program takes them."""


class Burst(NamedTuple):
    """What came of periods one after the other.

    first, loss, rows: by period, what it leaves first, the first number that it read, and what was watched as it then
    was, where anything was; carried: what goes on; left, read: of a period that was stopped by a number that is not
    finite, and has not been done.
    """

    first: list[Tensor]
    loss: list[float]
    rows: list[Tensor]
    carried: list[Tensor]
    left: list[Tensor]
    read: list[float]


class Native:
    """Of a text; it takes the step once, to find the place of each result. Raises RuntimeError where it cannot."""

    def __init__(
        self, text: str, inputs: Sequence[Tensor], pace: Sequence[float], like: Tensor | None, stays: Sequence[Any]
    ) -> None:
        self.plan = torch.classes.hl_run.Plan(text)
        given = [*inputs, *paced(pace, like, fresh), *map(_plain, stays)]
        self.plan.prepare(given, len(inputs), len(pace) if like is not None else 0)
        self.steady = self.plan.steady()  # whether it can be one of a burst

    def __call__(self, inputs: Sequence[Tensor], pace: Sequence[float]) -> tuple[list[Tensor], list[float]]:
        """What it leaves and the numbers."""
        found: tuple[list[Tensor], list[float]] = torch.ops.hl_run.run(self.plan, list(inputs), list(pace))
        return found


def burst(
    plans: Sequence[Native],
    inputs: Sequence[Sequence[Tensor]],
    carried: Sequence[Tensor],
    paces: Sequence[Sequence[float]],
    watched: Sequence[Tensor],
) -> Burst:
    """Periods one after the other, of plans in turns; inputs, paces: of each. It ends early, but for the first."""
    given, numbers = [one for of in inputs for one in of], [one for of in paces for one in of]
    kinds, asked = [one.plan for one in plans], len(inputs[0])
    return Burst(*torch.ops.hl_run.burst(kinds, given, asked, list(carried), numbers, list(watched), AT_ONCE))


def _plain(value: Any) -> Any:
    return FORMATS.index(value) if isinstance(value, torch.memory_format) else value
