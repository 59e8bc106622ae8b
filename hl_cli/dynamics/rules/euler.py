r"""One Euler step of the weights and their costates, in two orders.

    omega' = (1 - tau eta) omega + tau phi (g + weight_decay theta)        theta' = theta - tau beta (omega' or omega)

`semi_implicit_euler` lets theta see the new omega: gradient descent with momentum, torch.optim.SGD.
`explicit_euler` lets both see old values only: a different method. Source: arXiv 2409.12038, section 3.
"""

from __future__ import annotations

from torch import Tensor

from hl_cli.dynamics.equivalence import Coefficients
from hl_cli.dynamics.rules.base import Update, UpdateRule, WeightState, add_scaled


class SemiImplicitEuler(UpdateRule):
    """mul_ then add_ round exactly as torch.optim.SGD does; a lerp or a fused form would not."""

    name, order, newest = "semi_implicit_euler", 1, True

    def drifts(self, weights: WeightState, c: Coefficients, phi: float) -> Update:
        """Theta follows omega'. Without memory, tau eta = 1, omega' is g itself, and the two only change places."""
        decay, gain = c.decay, c.tau * phi
        if c.weight_decay != 0.0:
            add_scaled(weights.flat_drive, weights.theta, c.weight_decay)
        if decay == 0.0:
            if isinstance(gain, Tensor) or gain != 1.0:  # a tensor in a compiled graph
                weights.flat_drive.mul_(gain)
            weights.exchange()
        else:
            for omega, g in weights.pieces():
                add_scaled(omega.mul_(decay), g, gain)
        return [(weights.theta, weights.omega, c.velocity, None)]


class ExplicitEuler(SemiImplicitEuler):
    """Theta follows the old omega."""

    name, newest = "explicit_euler", False

    def drifts(self, weights: WeightState, c: Coefficients, phi: float) -> Update:
        """The same omega', but a copy of omega is what theta sees."""
        old = weights.omega.clone()
        super().drifts(weights, c, phi)
        return [(weights.theta, old, c.velocity, None)]


semi_implicit_euler, explicit_euler = SemiImplicitEuler(), ExplicitEuler()
