"""What stops a learner before its weights move: a value that is not finite, weights that have run away.

Costates are measured by the largest dL/dh so far, which grows with the weights: they would hide each other.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import torch
from torch import Tensor

from hl_cli.errors import NonFinite, RunawayWeights

REACH = 1e4  # largest weight by the largest at the start, or by 1
EVERY = 64  # ticks: a weight that runs away does so over many


def finite(value: float, quantity: str) -> float:
    """Pass a finite number on; raise NonFinite(quantity) for any other."""
    if not math.isfinite(value):
        raise NonFinite(quantity)
    return value


def all_finite(tensors: Iterable[Tensor], quantity: str) -> None:
    """Raise NonFinite(quantity) unless every element is finite; one sum a tensor while all is well."""
    for tensor in tensors:
        if not math.isfinite(tensor.sum().item()) and not bool(torch.isfinite(tensor).all()):
            raise NonFinite(quantity)  # a sum may overflow alone, so each element was looked at


def check_finite(omega: Tensor) -> None:
    """Stop before the weights move when omega is not finite."""
    if not math.isfinite(omega.sum().item()) and not bool(torch.isfinite(omega).all()):
        raise NonFinite("weight costate")


class WeightBound:
    """theta: all weights, at the start; reach: how far one of them may be."""

    def __init__(self, theta: Tensor) -> None:
        self.theta, self.reach = theta, REACH * max(1.0, float(theta.abs().max()))

    def exceeded(self, tick: int) -> bool:
        """Whether it looks at the weights at a tick, and finds them too far."""
        return tick % EVERY == 0 and float(self.theta.abs().max()) > self.reach

    def at(self, tick: int) -> Callable[[Tensor], None]:
        """What admits omega at a tick; raises RunawayWeights where the weights are too far."""
        if self.exceeded(tick):
            raise RunawayWeights("weight")
        return check_finite
