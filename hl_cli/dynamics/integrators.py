r"""One Euler step of the weights and their costates, in two orders.

    omega' = (1 - tau eta) omega + tau phi g        theta' = theta - tau beta * (omega' or omega)

g is the drive, (dH/dtheta)/phi, summed over the ticks of the learning period. Each integrator declares its `order`
of convergence. `semi_implicit_euler` lets theta see the new omega: that is gradient descent with momentum.
`explicit_euler` lets both see old values only: a different method. Source: arXiv 2409.12038, section 3.

A weight without a gradient rests: neither its omega nor its theta moves. One that never had a gradient has its first
step, at phi_0, still to come.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from hl_cli.dynamics.equivalence import Coefficients


class WeightState(Protocol):
    """theta, omega and the drive, flat; hl_cli.learners.weights.FlatWeights is one."""

    theta: Tensor

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


class Weights(WeightState, Protocol):
    """All weights of a learner, or of a part of it."""

    def parts(self) -> Sequence[tuple[WeightState, bool]]:
        """What moves now, and whether it begins late: takes its first step after the first of others."""
        ...


Admit = Callable[[Tensor], None]
Moves = list[tuple[WeightState, Tensor]]  # what is to move, and the omega along which


@dataclass(frozen=True)
class Integrator:
    """A named order of the two updates, and its order of convergence.

    costate(weights, coefficients, phi) moves omega in place and returns the omega along which theta is to move;
    newest: whether each update sees the newest values of the others, or those of before the step.
    """

    name: str
    order: int
    costate: Callable[[WeightState, Coefficients, float], Tensor]
    newest: bool

    def step(self, weights: Weights, c: Coefficients, phi: float, first: float, admit: Admit) -> None:
        """Move omega, then theta, in place; admit(omega') may raise before theta moves.

        first: phi_0, for a weight whose first step this is.
        """
        moves = self.costate_step(weights, c, phi, first)
        admit(weights.omega)
        weight_step(c, moves)

    def costate_step(self, weights: Weights, c: Coefficients, phi: float, first: float) -> Moves:
        """Move omega alone, and return what is to follow."""
        return [(part, self.costate(part, c, first if late else phi)) for part, late in weights.parts()]


def weight_costate_step(weights: WeightState, c: Coefficients, phi: float) -> None:
    """omega' = (1 - tau eta) omega + tau phi (g + weight_decay theta), in place.

    mul_ then add_ round exactly as torch.optim.SGD does; a lerp or a fused form would not. Without memory,
    tau eta = 1, omega' is g itself, and the two only change places.
    """
    decay, gain = c.decay, c.tau * phi
    if c.weight_decay != 0.0:
        weights.flat_drive.add_(weights.theta, alpha=c.weight_decay)
    if decay == 0.0:
        if gain != 1.0:
            weights.flat_drive.mul_(gain)
        weights.exchange()
    else:
        for omega, g in weights.pieces():
            omega.mul_(decay).add_(g, alpha=gain)


def weight_step(c: Coefficients, moves: Moves) -> None:
    """theta' = theta - tau beta along, in place."""
    for weights, along in moves:
        weights.theta.add_(along, alpha=-c.velocity)


def _semi_implicit(weights: WeightState, c: Coefficients, phi: float) -> Tensor:
    weight_costate_step(weights, c, phi)
    return weights.omega


def _explicit(weights: WeightState, c: Coefficients, phi: float) -> Tensor:
    old = weights.omega.clone()
    weight_costate_step(weights, c, phi)
    return old


semi_implicit_euler = Integrator("semi_implicit_euler", 1, _semi_implicit, True)
explicit_euler = Integrator("explicit_euler", 1, _explicit, False)
INTEGRATORS = {i.name: i for i in (semi_implicit_euler, explicit_euler)}
