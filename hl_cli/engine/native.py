"""A program that the driver runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from hl_cli.engine.words import fresh, paced

FORMATS = (torch.contiguous_format, torch.preserve_format, torch.channels_last, torch.channels_last_3d)
"""Memory formats in the order of their numbers, which is how a program takes them."""


class Native:
    """Of a text; it takes the step once, to find the place of each result. Raises RuntimeError where it cannot."""

    def __init__(
        self, text: str, inputs: Sequence[Tensor], pace: Sequence[float], like: Tensor | None, stays: Sequence[Any]
    ) -> None:
        self.plan = torch.classes.hl_run.Plan(text)
        given = [*inputs, *paced(pace, like, fresh), *map(_plain, stays)]
        self.plan.prepare(given, len(inputs), len(pace) if like is not None else 0)
        self.steady = self.plan.steady()  # whether it can take turns with others

    def __call__(self, inputs: Sequence[Tensor], pace: Sequence[float]) -> tuple[list[Tensor], list[float]]:
        """What it leaves and the numbers."""
        found: tuple[list[Tensor], list[float]] = torch.ops.hl_run.run.default(self.plan, list(inputs), list(pace))
        return found


def _plain(value: Any) -> Any:
    return FORMATS.index(value) if isinstance(value, torch.memory_format) else value
