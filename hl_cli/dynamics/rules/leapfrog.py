r"""Second order in time: `dissipative_leapfrog`, and the contrasts `rgd` and `nag`, which are not conformal symplectic.

    omega' = mu omega + tau phi g(y)                    V = dT/domega, h = tau / (1 + alpha)
    y'     = y - h V(omega') - h V(mu omega') + (1 - alpha) h V(mu omega)

The weights that a learner holds are the half point y, at which the gradient is taken: the drift that ends one step is
joined to the drift that begins the next, and one gradient a step is enough. Outputs, scores and checkpoints are those
of y. The full point is x = y + h V(mu omega) with the costate sqrt(mu) omega (`full`); at first omega = 0, y = x.

alpha = 1 is `dissipative_leapfrog`: conformal symplectic, and of order 2 at the full point with damping=exact, its
default; damping=euler, mu = 1 - tau eta, is itself of order 1. With the classical T it is the recursion of SGD with
momentum mu and learning rate tau beta (1 + mu)/2. alpha < 1 is `rgd`, in which x jumps to a point between; alpha = 0
with the classical T is `nag`, Nesterov's momentum. h makes each integrate HL's own equation. No full point moves by
more than kinetic.limit. Source: Franca, Sulam, Robinson, Vidal, arXiv 1903.04100, whose step h is tau for every alpha.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor

from hl_cli.config.fields import described
from hl_cli.config.registry import choice
from hl_cli.config.rules import Damped
from hl_cli.dynamics.equivalence import Coefficients
from hl_cli.dynamics.rules.base import Drift, Update, UpdateRule, WeightState, add_scaled, apply, complete
from hl_cli.errors import BadInput, NoSuchCombination


@choice("integrator", "dissipative_leapfrog", home="DissipativeLeapfrog")
@dataclass
class DissipativeLeapfrogConfig(Damped):
    """Second order: half a drift, a damped kick, half a drift."""

    name: str = described("dissipative_leapfrog", "name in files and titles", choices=("dissipative_leapfrog",))
    damping: str = described(
        "exact", "what a step leaves of omega: 1 - tau eta, or exp(-tau eta)", choices=("euler", "exact")
    )


@choice("integrator", "nag", home="Nag")
@dataclass
class NagConfig(Damped):
    """Nesterov's momentum, as a contrast: not conformal symplectic."""

    name: str = described("nag", "name in files and titles", choices=("nag",))


@choice("integrator", "rgd", home="Rgd")
@dataclass
class RgdConfig(Damped):
    """Between nag (alpha 0) and dissipative_leapfrog (alpha 1), as a contrast."""

    name: str = described("rgd", "name in files and titles", choices=("rgd",))
    alpha: float = described(0.5, "0: the full point follows itself, 1: the half point", least=0, most=1)


class Rgd(UpdateRule):
    """alpha: in [0, 1]; of order 2 and conformal at 1 alone."""

    name, order, newest = "rgd", 1, True
    another_method = "another integrator than SGD's"

    def __init__(self, alpha: float = 0.5, damping: str = "euler") -> None:
        if not 0 <= alpha <= 1:
            raise BadInput(f"integrator.alpha={alpha}: allowed: a number >= 0, <= 1")
        self.alpha, self.exact = alpha, damping == "exact"
        self.conformal = alpha == 1
        self.order = 2 if self.conformal and self.exact else 1  # type: ignore[misc]

    def half(self, c: Coefficients) -> float:
        """H, times beta."""
        return c.velocity / (1 + self.alpha)

    def drifts(self, weights: WeightState, c: Coefficients, phi: float) -> Update:
        """Both drifts, and what alpha takes back of the one before."""
        if c.nesterov:
            raise NoSuchCombination(f"scenario.nesterov=true (integrator={self.name}): allowed: semi_implicit_euler")
        mu, h, omega = self.damping(c), self.half(c), weights.omega
        g, damped = complete(weights, c), omega.mul_(mu)
        back = [] if self.alpha == 1 else [Drift(weights.theta, damped.clone(), -(1 - self.alpha) * h)]
        add_scaled(omega, g, c.tau * phi)
        return [Drift(weights.theta, omega, h), Drift(weights.theta, omega * mu, h), *back]

    def full(self, weights: WeightState, c: Coefficients) -> tuple[Tensor, Tensor]:
        """The point where the step ends: before the drift that begins the next."""
        mu = self.damping(c)
        x = weights.theta.clone()
        apply(self.kinetic.follow([(weights, [Drift(x, weights.omega * mu, -self.half(c))])], c))
        return x, weights.omega * math.sqrt(mu)


class DissipativeLeapfrog(Rgd):
    """Alpha 1."""

    name = "dissipative_leapfrog"

    def __init__(self, damping: str = "exact") -> None:
        super().__init__(1.0, damping)


class Nag(Rgd):
    """Alpha 0."""

    name = "nag"

    def __init__(self, damping: str = "euler") -> None:
        super().__init__(0.0, damping)
        self.equals = "torch.optim.SGD with nesterov, the gradients being those of the weights held"
