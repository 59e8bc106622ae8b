r"""The contract of an update rule: how the weights theta and their costates omega take one step.

    update = rule.advance(weights, c, phi, first)     omega, and what else the rule keeps, move; theta does not
    check(weights.omega)                              the caller may refuse the update: not finite, out of bound
    apply(update)                                     theta' = theta - step * along / mass, drift by drift

The drive g = (dH/dtheta)/phi is in `weights`, summed over the ticks of the learning period, and may be overwritten.
A weight without a gradient rests: nothing of it moves. One that never had a gradient has its first step, at phi_0,
still to come. Whoever runs a rule, at once or stage by stage, uses these functions alone.

A rule is one file. Its config class stands in it under `@choice("integrator", NAME, home=CLASS)`; the fields of the
config, without `name`, are the arguments of the class. Its weights keep what `slots` names, in checkpoints too.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import ClassVar

from torch import Tensor

from hl_cli.dynamics.equivalence import Coefficients
from hl_cli.dynamics.rules.drift import Drift as Drift
from hl_cli.dynamics.rules.drift import Update, Weights, WeightState, add_scaled, apply
from hl_cli.dynamics.rules.kinetic import Kinetic

Check = Callable[[Tensor], None]


class UpdateRule:
    """One rule. Subclasses say in `drifts` how omega moves, and along what theta is to follow.

    name: in the config; order: of convergence; newest: whether each update sees the newest values of the others, or
    those of before the step. Neurons and their costates then do the same.

    conformal: whether a step is conformal symplectic, J^T Omega J = mu Omega for its Jacobian J; equals:
    the optimizer that it equals, in words; another_method: why HL with it is not meant to equal the reference;
    slots: names of tensors like theta that it keeps beside omega; counts: whether the step depends on how many a
    weight has taken; kinetic: the kinetic energy of omega, by which `advance` turns what theta follows into a velocity;
    exact: damping by exp(-tau eta), not 1 - tau eta.
    """

    name: ClassVar[str]
    order: ClassVar[int]
    newest: ClassVar[bool]
    conformal: bool = False
    equals: str = ""
    another_method: str = ""
    slots: tuple[str, ...] = ()
    counts: ClassVar[bool] = False
    kinetic: Kinetic = Kinetic()
    exact: bool = False

    def damping(self, c: Coefficients) -> float:
        """mu: what is left of omega after one step."""
        return math.exp(-c.tau * c.eta) if self.exact else c.decay

    def drifts(self, weights: WeightState, c: Coefficients, phi: float) -> Update:
        """Move omega of one part in place."""
        raise TypeError(f"{type(self).__name__} does not say how to move")

    def writes_drive(self, c: Coefficients, phi: float) -> bool:
        """Whether `drifts` overwrites g; if not, g may be a gradient that others read."""
        return True

    def pace(self, c: Coefficients, t: int) -> tuple[float, ...]:
        """The numbers of step t (from 1) that depend on t."""
        return ()

    def energy(self, weights: Weights, c: Coefficients) -> float | None:
        """2 T / beta of the weights as they are, T the kinetic energy; None: |omega|^2, T = (beta/2) |omega|^2."""
        return self.kinetic.energy(weights, c)

    def velocity(self, weights: WeightState, c: Coefficients) -> Tensor:
        """dT/domega, like omega."""
        return self.kinetic.velocity(weights, c)

    def full(self, weights: WeightState, c: Coefficients) -> tuple[Tensor, Tensor]:
        """Theta and omega where the rule has its order; the held ones, unless it says otherwise."""
        return weights.theta, weights.omega

    def advance(self, weights: Weights, c: Coefficients, phi: float, first: float) -> Update:
        """Move omega of all that moves now, in place; first: phi_0, for a weight whose first step this is."""
        moved = [(part, self.drifts(part, c, first if late else phi)) for part, late in weights.parts()]
        return self.kinetic.follow(moved, c)

    def step(self, weights: Weights, c: Coefficients, phi: float, first: float, check: Check) -> None:
        """Both halves of a step; check(omega') may raise before theta moves."""
        update = self.advance(weights, c, phi, first)
        check(weights.omega)
        apply(update)


def complete(weights: WeightState, c: Coefficients) -> Tensor:
    """The drive with all that H has beside the loss, in place: +-g + weight_decay theta."""
    g = weights.flat_drive
    if c.maximize:
        g.neg_()
    if c.weight_decay != 0.0:
        add_scaled(g, weights.theta, c.weight_decay)
    return g


class Loose:
    """The weights of one tensor, or of one part of a buffer, that have no second buffer to exchange with."""

    def __init__(
        self, theta: Tensor, omega: Tensor, drive: Tensor, kept: Mapping[str, Tensor] | None = None, taken: int = 1
    ) -> None:
        self.theta, self.omega, self.flat_drive = theta, omega, drive
        self.kept: Mapping[str, Tensor] = kept or {}
        self.taken = taken

    def exchange(self) -> None:
        """Let the drive be omega."""
        self.omega.copy_(self.flat_drive)

    def pieces(self) -> Iterable[tuple[Tensor, Tensor]]:
        """It is one piece."""
        return ((self.omega, self.flat_drive),)

    def tensors(self, flat: Tensor) -> Sequence[Tensor]:
        """It is one tensor."""
        return (flat,)

    def parts(self) -> Sequence[tuple[WeightState, bool]]:
        """It moves as a whole."""
        return ((self, False),)


def pure(
    rule: UpdateRule,
    theta: Tensor,
    omega: Tensor,
    g: Tensor,
    c: Coefficients,
    phi: float,
    kept: Mapping[str, Tensor] | None = None,
    taken: int = 1,
) -> tuple[Tensor, Tensor]:
    """The step as a function: theta' and omega' of theta, omega and g, none of which is changed; what is kept moves.

    >>> import torch
    >>> from hl_cli.dynamics.rules import semi_implicit_euler
    >>> c = Coefficients(tau=1.0, beta=0.5, eta=0.25, phi=1.0, phi_first=1.0)
    >>> pure(semi_implicit_euler, torch.tensor([1.0]), torch.tensor([2.0]), torch.tensor([0.5]), c, c.phi)
    (tensor([0.]), tensor([2.]))
    """
    part = Loose(theta.clone(), omega.clone(), g.clone(), kept, taken)
    apply(rule.advance(part, c, phi, phi))
    return part.theta, part.omega
