r"""Rules with a mass m_t per weight: the optimizers of torch that scale their steps.

    omega' = (1 - tau eta) omega + tau phi g      theta' = theta - tau beta s_t omega' / m_t

    T = (beta s_t/2) sum omega^2 / m_t            dT/domega = beta s_t omega / m_t

The mass is carried and theta is divided by it (addcdiv_), in the order of operations of torch.optim with foreach=False:
only so are the bits the same. A product with beta s_t / m_t rounds in another way. tau beta is the learning rate.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from torch import Tensor

from hl_cli.dynamics.equivalence import Coefficients
from hl_cli.dynamics.rules.base import UpdateRule, Weights, WeightState, complete
from hl_cli.dynamics.stock import Stock


class Metric(UpdateRule):
    """options: the arguments of the optimizer of torch that it equals; lr among them."""

    order, newest, counts = 1, True, True
    optimizer: ClassVar[str]

    def __init__(self, **options: Any) -> None:
        self.options = options
        self.equals = f"torch.optim, {self.name}"
        self.stock = Stock(self.optimizer, {**options, "foreach": False})

    def physics(self, tau: float = 1.0) -> Coefficients:
        """HL's numbers: tau eta is 1 - (what omega keeps), tau beta is the learning rate."""
        loss, gain = self.fades()
        decay = 0.0 if self.decoupled else self.options["weight_decay"]
        of = {"weight_decay": decay, "maximize": self.options["maximize"]}
        return Coefficients(tau, self.options["lr"] / tau, loss / tau, gain / tau, gain / tau, **of)

    @property
    def decoupled(self) -> bool:
        """Whether the decay is a friction on theta, and no part of H."""
        return False

    def fades(self) -> tuple[float, float]:
        """tau eta and tau phi."""
        raise TypeError(f"{type(self).__name__} does not say how omega moves")

    def mass(self, kept: Mapping[str, Tensor], t: int) -> Tensor:
        """m_t, like theta; t: steps taken, from 1."""
        raise TypeError(f"{type(self).__name__} does not say its mass")

    def speed(self, t: int) -> float:
        """s_t."""
        return 1.0

    def writes_drive(self, c: Coefficients, phi: float) -> bool:
        """Where `drive` does."""
        return c.maximize or c.weight_decay != 0.0 or phi != c.phi

    def drive(self, weights: WeightState, c: Coefficients, phi: float) -> Tensor:
        """g of H; where phi is not that of the coefficients, as while it rises, in its proportion."""
        g = complete(weights, c)
        return g if phi == c.phi else g.mul_(phi / c.phi)

    def keep(self, c: Coefficients) -> float:
        """What of theta stays by a decay that is no part of H."""
        return 1.0 - c.velocity * self.options["weight_decay"] if self.decoupled else 1.0

    def energy(self, weights: Weights, c: Coefficients) -> float | None:
        """Of the masses as they are."""
        t = max(weights.taken, 1)
        shares = weights.omega.double().square().div_(self.mass(weights.kept, t))
        return float(shares.sum()) * self.speed(t)

    def velocity(self, weights: WeightState, c: Coefficients) -> Tensor:
        """Of the masses as they are."""
        t = max(weights.taken, 1)
        return weights.omega / self.mass(weights.kept, t) * (c.beta * self.speed(t))
