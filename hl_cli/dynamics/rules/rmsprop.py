r"""RMSprop and Adagrad: a mass from the squares of the drive, without a mean of the drive itself.

    RMSprop    v' = a v + (1 - a) g^2    m = sqrt(v' - gbar^2) + eps, where gbar = 0, or with `centered` the mean of g
               omega' = g, theta' = theta - lr omega' / m;   with a momentum mu the metric sits on phi:
               omega' = mu omega + g / m, theta' = theta - lr omega'
    Adagrad    v' = v + g^2              m = sqrt(v') + eps      s_t = 1 / (1 + (t - 1) lr_decay)

Source: Tieleman and Hinton, 2012; Graves, 2013; Duchi et al., 2011.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from hl_cli.config.fields import described
from hl_cli.config.registry import choice
from hl_cli.config.rules import Masses
from hl_cli.dynamics.equivalence import Coefficients
from hl_cli.dynamics.rules.base import Drift, Update, Weights, WeightState
from hl_cli.dynamics.rules.drift import scalar
from hl_cli.dynamics.rules.metric import Metric


@choice("scenario", "rmsprop", home="RMSprop")
@dataclass
class RMSpropConfig(Masses):
    """RMSprop: a mass per weight, from the mean square of its gradient."""

    lr: float = described(0.01, "learning rate", above=0)
    alpha: float = described(0.99, "what the mean of g^2 keeps at a step", least=0, below=1)
    momentum: float = described(0.0, "what omega keeps at a step", least=0, below=1)
    centered: bool = described(False, "the mass is of the variance of g")


@choice("scenario", "adagrad", home="Adagrad")
@dataclass
class AdagradConfig(Masses):
    """Adagrad: a mass per weight, from the sum of the squares of its gradient."""

    lr: float = described(0.01, "learning rate", above=0)
    eps: float = described(1e-10, "added to the mass; at 0 a weight without a gradient would have none", above=0)
    lr_decay: float = described(0.0, "decay of the learning rate", least=0)
    initial_accumulator_value: float = described(0.0, "the sum of squares at the start", least=0)


class RMSprop(Metric):
    """As torch.optim.RMSprop."""

    name = optimizer = "rmsprop"

    def __init__(
        self,
        lr: float = 0.01,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
        maximize: bool = False,
    ) -> None:
        self.alpha, self.eps, self.momentum, self.centered = alpha, eps, momentum, centered
        self.slots = ("second", "mean") if centered else ("second",)
        super().__init__(
            lr=lr, alpha=alpha, eps=eps, weight_decay=weight_decay, momentum=momentum, centered=centered,
            maximize=maximize,
        )  # fmt: skip

    def fades(self) -> tuple[float, float]:
        """Without a momentum omega' is g."""
        return 1.0 - self.momentum, 1.0

    def mass(self, kept: Mapping[str, Tensor], t: int) -> Tensor:
        """Of the second moment, or of the variance."""
        v = kept["second"]
        root = v.addcmul(kept["mean"], kept["mean"], value=-1.0).sqrt_() if self.centered else v.sqrt()
        return root.add_(scalar(self.eps, root))

    def drifts(self, weights: WeightState, c: Coefficients, phi: float) -> Update:
        """The mass is that of now."""
        g = self.drive(weights, c, phi)
        weights.kept["second"].mul_(scalar(self.alpha, g)).addcmul_(g, g, value=1.0 - self.alpha)
        if self.centered:
            weights.kept["mean"].lerp_(g, 1.0 - self.alpha)
        mass = self.mass(weights.kept, weights.taken)
        if self.momentum > 0.0:
            weights.omega.mul_(scalar(self.momentum, g)).addcdiv_(g, mass)
            return [Drift(weights.theta, weights.omega, c.velocity)]
        weights.exchange()
        return [Drift(weights.theta, weights.omega, c.velocity, mass)]

    def energy(self, weights: Weights, c: Coefficients) -> float | None:
        """With a momentum T is (beta/2) |omega|^2."""
        return None if self.momentum > 0.0 else super().energy(weights, c)

    def velocity(self, weights: WeightState, c: Coefficients) -> Tensor:
        """With a momentum beta omega."""
        return weights.omega * c.beta if self.momentum > 0.0 else super().velocity(weights, c)


class Adagrad(Metric):
    """As torch.optim.Adagrad."""

    name = optimizer = "adagrad"
    slots = ("second",)

    def __init__(
        self,
        lr: float = 0.01,
        lr_decay: float = 0.0,
        weight_decay: float = 0.0,
        initial_accumulator_value: float = 0.0,
        eps: float = 1e-10,
        maximize: bool = False,
    ) -> None:
        self.decay, self.start, self.eps = lr_decay, initial_accumulator_value, eps
        super().__init__(
            lr=lr, lr_decay=lr_decay, weight_decay=weight_decay, initial_accumulator_value=self.start, eps=eps,
            maximize=maximize,
        )  # fmt: skip

    def fades(self) -> tuple[float, float]:
        """omega' is g."""
        return 1.0, 1.0

    def speed(self, t: int) -> float:
        """Slower from step to step."""
        return 1.0 / (1.0 + (t - 1) * self.decay)

    def mass(self, kept: Mapping[str, Tensor], t: int) -> Tensor:
        """Of the sum of squares."""
        return kept["second"].sqrt().add_(scalar(self.eps, kept["second"]))

    def drifts(self, weights: WeightState, c: Coefficients, phi: float) -> Update:
        """Theta follows g over the mass."""
        g, t = self.drive(weights, c, phi), weights.taken
        if t == 1:
            weights.kept["second"].fill_(self.start)
        weights.kept["second"].addcmul_(g, g, value=1.0)
        weights.exchange()
        (step,) = self.pace(c, t)
        return [Drift(weights.theta, weights.omega, step, self.mass(weights.kept, t))]

    def pace(self, c: Coefficients, t: int) -> tuple[float, ...]:
        """tau beta s_t."""
        return (c.velocity / (1.0 + (t - 1) * self.decay),)
