r"""Adam, AdamW and AMSGrad: a mass from the second moment of the drive.

    omega' = omega + (1 - b1) (g - omega)              tau eta = tau phi = 1 - b1
    v'     = b2 v + (1 - b2) g^2                       m_t = sqrt(v') / sqrt(1 - b2^t) + eps       s_t = 1 / (1 - b1^t)

With amsgrad the mass is that of the largest v so far. In AdamW theta decays by itself, by lr weight_decay a step.
Source: Kingma and Ba, 2015; Loshchilov and Hutter, 2019; Reddi et al., 2018.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from hl_cli.config.fields import described
from hl_cli.config.registry import choice
from hl_cli.config.rules import Masses
from hl_cli.dynamics.equivalence import Coefficients
from hl_cli.dynamics.rules.base import Drift, Update, WeightState
from hl_cli.dynamics.rules.drift import scalar
from hl_cli.dynamics.rules.metric import Metric
from hl_cli.errors import BadInput


@choice("scenario", "adam", home="Adam")
@dataclass
class AdamConfig(Masses):
    """Adam: a mass per weight, from the mean square of its gradient."""

    betas: list[float] = described([0.9, 0.999], "what the means of g and g^2 keep at a step", least=0, below=1)
    amsgrad: bool = described(False, "a mass never falls")


@choice("scenario", "adamw", home="AdamW")
@dataclass
class AdamWConfig(AdamConfig):
    """Adam whose weights decay by themselves."""

    weight_decay: float = described(0.01, "weight decay, times the learning rate, a step", least=0)


def pair(betas: Sequence[float]) -> tuple[float, float]:
    """Both betas; raises BadInput for others than two numbers in [0, 1)."""
    if len(betas) != 2 or not all(0.0 <= beta < 1.0 for beta in betas):
        raise BadInput(f"scenario.betas={list(betas)}: allowed: two numbers >= 0, < 1")
    return float(betas[0]), float(betas[1])


class Adam(Metric):
    """As torch.optim.Adam."""

    name = optimizer = "adam"

    def __init__(
        self,
        lr: float = 0.001,
        betas: Sequence[float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        amsgrad: bool = False,
        maximize: bool = False,
    ) -> None:
        self.betas, self.eps, self.amsgrad = pair(betas), eps, amsgrad
        self.slots = ("second", "largest") if amsgrad else ("second",)
        super().__init__(
            lr=lr, betas=self.betas, eps=eps, weight_decay=weight_decay, amsgrad=amsgrad, maximize=maximize
        )

    def fades(self) -> tuple[float, float]:
        """A mean: what is lost comes from g."""
        return 1.0 - self.betas[0], 1.0 - self.betas[0]

    def speed(self, t: int) -> float:
        """The mean of t steps is that much too small."""
        return 1.0 / (1.0 - self.betas[0] ** t)

    def mass(self, kept: Mapping[str, Tensor], t: int) -> Tensor:
        """Of the second moment, or of the largest."""
        v = kept["largest" if self.amsgrad else "second"]
        return v.sqrt().div_(scalar((1.0 - self.betas[1] ** t) ** 0.5, v)).add_(scalar(self.eps, v))

    def moments(self, weights: WeightState, c: Coefficients, phi: float) -> Tensor:
        """Move omega and v; returns g."""
        g, v = self.drive(weights, c, phi), weights.kept["second"]
        weights.omega.lerp_(g, 1.0 - self.betas[0])
        v.mul_(scalar(self.betas[1], v)).addcmul_(g, g, value=1.0 - self.betas[1])
        return g

    def drifts(self, weights: WeightState, c: Coefficients, phi: float) -> Update:
        """Theta follows omega' over the mass."""
        self.moments(weights, c, phi)
        if self.amsgrad:
            torch.maximum(weights.kept["largest"], weights.kept["second"], out=weights.kept["largest"])
        step, _ = self.pace(c, weights.taken)
        return [Drift(weights.theta, weights.omega, step, self.mass(weights.kept, weights.taken), self.keep(c))]

    def pace(self, c: Coefficients, t: int) -> tuple[float, ...]:
        """tau beta s_t, and by what the root of v' is divided."""
        return c.velocity / (1.0 - self.betas[0] ** t), (1.0 - self.betas[1] ** t) ** 0.5


class AdamW(Adam):
    """As torch.optim.AdamW."""

    name = optimizer = "adamw"

    @property
    def decoupled(self) -> bool:
        """It is."""
        return True
