"""Stops a learner whose weights have run away, though every number is finite still.

Costates are measured by the largest dL/dh so far, which grows with the weights: they would hide each other.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from hl_cli.errors import RunawayWeights
from hl_cli.learners.base import check_finite

REACH = 1e4  # largest weight by the largest at the start, or by 1
EVERY = 64  # ticks: a weight that runs away does so over many


class WeightBound:
    """theta: all weights, at the start."""

    def __init__(self, theta: Tensor) -> None:
        self._theta, self._reach = theta, REACH * max(1.0, float(theta.abs().max()))

    def at(self, tick: int) -> Callable[[Tensor], None]:
        """What admits omega at a tick; raises RunawayWeights where the weights are too far."""
        if tick % EVERY == 0 and float(self._theta.abs().max()) > self._reach:
            raise RunawayWeights("weight")
        return check_finite
