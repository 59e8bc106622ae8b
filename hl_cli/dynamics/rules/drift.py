"""What an update rule is given and what it gives back: some weights with their costates, and drifts of theta."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple, Protocol

import torch
from torch import Tensor


class WeightState(Protocol):
    """theta, omega and the drive g of some weights; hl_cli.dynamics.weights.FlatWeights is one.

    kept: what the rule keeps beside omega, like theta, 0 at first; taken: steps so far, with the one that is taken now.
    """

    theta: Tensor
    kept: Mapping[str, Tensor]

    @property
    def taken(self) -> int:
        """Steps of these weights."""
        ...

    @property
    def omega(self) -> Tensor:
        """The weight costates."""
        ...

    @property
    def flat_drive(self) -> Tensor:
        """g."""
        ...

    def exchange(self) -> None:
        """Let g be omega."""

    def pieces(self) -> Iterable[tuple[Tensor, Tensor]]:
        """(omega, g), piece by piece."""
        ...

    def tensors(self, flat: Tensor) -> Sequence[Tensor]:
        """The part of each tensor of the net in something like omega, as views; padding, which is 0, may follow."""
        ...


class Weights(WeightState, Protocol):
    """All weights of a learner, or of a part of it."""

    def parts(self) -> Sequence[tuple[WeightState, bool]]:
        """What moves now, and whether it begins late: takes its first step after the first of others."""
        ...


class Drift(NamedTuple):
    """theta' = keep * theta - step * along / mass; mass: like theta or of one element, None is 1."""

    theta: Tensor
    along: Tensor
    step: float
    mass: Tensor | None = None
    keep: float = 1.0


Update = list[Drift]


def apply(update: Update) -> None:
    """Let theta follow, in place."""
    for theta, along, step, mass, keep in update:
        if keep != 1.0:
            theta.mul_(scalar(keep, theta))
        if mass is None:
            add_scaled(theta, along, -step)
        else:
            theta.addcdiv_(along, mass, value=-step)


def scalar(value: float, like: Tensor) -> Tensor:
    """A number for `mul_`, `div_` and `add_`, in place of a float: the same bits, at a third of the time of a call."""
    return _made(value, like.dtype)


@lru_cache(maxsize=256)
def _made(value: float, dtype: torch.dtype) -> Tensor:
    return torch.tensor(value, dtype=dtype)


def add_scaled(x: Tensor, y: Tensor, a: float) -> None:
    """x + a y in place, rounded as torch.optim does it."""
    x.add_(y, alpha=a)
