r"""One Euler step of the weights and their costates, in two orders.

    omega' = (1 - tau eta) omega + tau phi (g + weight_decay theta)        theta' = theta - tau beta (omega' or omega)

`semi_implicit_euler` lets theta see the new omega: gradient descent with momentum, torch.optim.SGD. With `nesterov` in
the coefficients theta follows (1 - tau eta) omega' + tau phi g, omega as the next step has it for the same gradient.
With `damping=exact`, exp(-tau eta) stands for 1 - tau eta.
`explicit_euler` lets both see old values only: a different method. In a direction in which the loss has the curvature
lambda, it is stable only for tau^2 beta phi lambda < tau eta, which is 1 - mu for a momentum mu; the other order is
stable up to 2 (1 + mu), 38 times more at mu = 0.9. Source: arXiv 2409.12038, section 3.
"""

from __future__ import annotations

from dataclasses import dataclass

from hl_cli.config.fields import described
from hl_cli.config.registry import choice
from hl_cli.config.rules import Damped
from hl_cli.dynamics.equivalence import Coefficients
from hl_cli.dynamics.rules.base import Drift, Update, UpdateRule, WeightState, add_scaled, complete
from hl_cli.errors import NoSuchCombination


@choice("integrator", "semi_implicit_euler", home="SemiImplicitEuler")
@dataclass
class SemiImplicitEulerConfig(Damped):
    """Weights move with the new weight costates: with it HL equals SGD. The default."""

    name: str = described("semi_implicit_euler", "name in files and titles", choices=("semi_implicit_euler",))


@choice("integrator", "explicit_euler", home="ExplicitEuler")
@dataclass
class ExplicitEulerConfig(Damped):
    """Each update sees the values before the step: another method than SGD, stable only below 1 - momentum."""

    name: str = described("explicit_euler", "name in files and titles", choices=("explicit_euler",))


class SemiImplicitEuler(UpdateRule):
    """mul_ then add_ round exactly as torch.optim.SGD does; a lerp or a fused form would not."""

    name, order, newest = "semi_implicit_euler", 1, True
    conformal, equals = True, "torch.optim.SGD"

    def __init__(self, damping: str = "euler") -> None:
        self.exact = damping == "exact"
        if self.exact:
            self.equals, self.another_method = "", "exact damping, exp(-tau eta)"

    def writes_drive(self, c: Coefficients, phi: float) -> bool:
        """For what H has beside the loss, for a look ahead, and without memory where omega' is not g."""
        return c.maximize or c.weight_decay != 0.0 or c.nesterov or (c.decay == 0.0 and c.tau * phi != 1.0)

    def drifts(self, weights: WeightState, c: Coefficients, phi: float) -> Update:
        """Theta follows omega'. Without memory, tau eta = 1, omega' is g itself, and the two only change places."""
        decay, gain = self.damping(c), c.tau * phi
        complete(weights, c)
        if decay == 0.0:
            if gain != 1.0:
                weights.flat_drive.mul_(gain)
            weights.exchange()
        else:
            for omega, g in weights.pieces():
                add_scaled(omega.mul_(decay), g, gain)
                if c.nesterov:
                    if gain != 1.0:
                        g.mul_(gain)
                    add_scaled(g, omega, decay)
        along = weights.flat_drive if c.nesterov and decay != 0.0 else weights.omega
        return [Drift(weights.theta, along, c.velocity)]


class ExplicitEuler(SemiImplicitEuler):
    """Theta follows the old omega."""

    name, newest = "explicit_euler", False
    conformal, equals = False, ""

    def drifts(self, weights: WeightState, c: Coefficients, phi: float) -> Update:
        """The same omega', but a copy of omega is what theta sees."""
        if c.nesterov:
            raise NoSuchCombination("scenario.nesterov=true (integrator=explicit_euler): allowed: semi_implicit_euler")
        old = weights.omega.clone()
        super().drifts(weights, c, phi)
        return [Drift(weights.theta, old, c.velocity)]


semi_implicit_euler, explicit_euler = SemiImplicitEuler(), ExplicitEuler()
