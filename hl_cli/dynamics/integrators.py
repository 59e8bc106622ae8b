r"""One Euler step of the weights and their costates, in two orders.

    omega' = (1 - tau eta) omega + tau phi g        theta' = theta - tau beta * (omega' or omega)

g is the drive, (dH/dtheta)/phi, summed over the ticks of the learning period. Each integrator declares its `order`
of convergence. `semi_implicit_euler` lets theta see the new omega: that is gradient descent with momentum.
`explicit_euler` lets both see old values only: a different method. Source: arXiv 2409.12038, section 3.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from hl_cli.dynamics.equivalence import Coefficients

Pieces = Iterable[tuple[Tensor, Tensor, Tensor]]


class WeightState(Protocol):
    """theta and omega as the integrators need them: flat, and in pieces small enough for a cache."""

    theta: Tensor
    omega: Tensor

    def pieces(self, drive: list[Tensor]) -> Pieces:
        """Yield (theta, omega, drive) piece by piece; together the pieces cover all weights once."""


@dataclass(frozen=True)
class Integrator:
    """A named order of the two updates; step(weights, drive, coefficients, phi, admit)."""

    name: str
    order: int
    step: Callable[[WeightState, list[Tensor], Coefficients, float, Callable[[Tensor], None]], None]


def weight_costate_step(weights: WeightState, drive: list[Tensor], c: Coefficients, phi: float) -> None:
    """omega' = (1 - tau eta) omega + tau phi (g + weight_decay theta), in place.

    mul_ then add_ round exactly as torch.optim.SGD does; a lerp or a fused form would not.
    """
    decay, gain = c.decay, c.tau * phi
    for theta, omega, g in weights.pieces(drive):
        if c.weight_decay != 0.0:
            g = g.add(theta, alpha=c.weight_decay)
        if decay != 0.0:
            omega.mul_(decay).add_(g, alpha=gain)
        else:
            torch.mul(g, gain, out=omega)


def _semi_implicit(
    weights: WeightState, drive: list[Tensor], c: Coefficients, phi: float, admit: Callable[[Tensor], None]
) -> None:
    weight_costate_step(weights, drive, c, phi)
    admit(weights.omega)
    weights.theta.add_(weights.omega, alpha=-c.velocity)


def _explicit(
    weights: WeightState, drive: list[Tensor], c: Coefficients, phi: float, admit: Callable[[Tensor], None]
) -> None:
    old = weights.omega.clone()
    weight_costate_step(weights, drive, c, phi)
    admit(weights.omega)
    weights.theta.add_(old, alpha=-c.velocity)


semi_implicit_euler = Integrator("semi_implicit_euler", 1, _semi_implicit)
explicit_euler = Integrator("explicit_euler", 1, _explicit)
INTEGRATORS = {i.name: i for i in (semi_implicit_euler, explicit_euler)}
