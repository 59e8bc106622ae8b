r"""NAdam: Adam whose theta moves along g and omega' both, with a momentum that rises.

    mu_t = b1 (1 - 0.96^(t momentum_decay) / 2)       P_t = mu_1 mu_2 ... mu_t, kept in float32 as torch does
    theta' = theta - lr [ (1 - mu_t)/(1 - P_t) g + mu_{t+1}/(1 - P_{t+1}) omega' ] / m_t
    m_t = sqrt(v' / (1 - b2^t)) + eps

P_t is a function of t alone, so that nothing has to be kept of it. Source: Dozat, 2016.
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
from hl_cli.dynamics.rules.adam import Adam
from hl_cli.dynamics.rules.base import Drift, Update, WeightState
from hl_cli.dynamics.rules.drift import scalar


@choice("scenario", "nadam", home="NAdam")
@dataclass
class NAdamConfig(Masses):
    """Adam with Nesterov's momentum."""

    lr: float = described(0.002, "learning rate", above=0)
    betas: list[float] = described([0.9, 0.999], "what the means of g and g^2 keep at a step", least=0, below=1)
    momentum_decay: float = described(0.004, "how fast the momentum rises", least=0)
    decoupled_weight_decay: bool = described(False, "weights decay by themselves, as in AdamW")


class NAdam(Adam):
    """As torch.optim.NAdam."""

    name = optimizer = "nadam"

    def __init__(
        self,
        lr: float = 0.002,
        betas: Sequence[float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum_decay: float = 0.004,
        decoupled_weight_decay: bool = False,
        maximize: bool = False,
    ) -> None:
        super().__init__(lr, betas, eps, weight_decay, maximize=maximize)
        more = {"momentum_decay": momentum_decay, "decoupled_weight_decay": decoupled_weight_decay}
        options = {**self.options, **more}
        del options["amsgrad"]
        super(Adam, self).__init__(**options)
        self._product, self._products = torch.ones(()), [1.0]

    @property
    def decoupled(self) -> bool:
        """As it is asked for."""
        return bool(self.options.get("decoupled_weight_decay", False))

    def momentum(self, t: int) -> float:
        """mu_t."""
        return self.betas[0] * (1.0 - 0.5 * (0.96 ** (t * self.options["momentum_decay"])))

    def product(self, t: int) -> float:
        """P_t."""
        while len(self._products) <= t:
            self._product = self._product * self.momentum(len(self._products))
            self._products.append(float(self._product))
        return self._products[t]

    def mass(self, kept: Mapping[str, Tensor], t: int) -> Tensor:
        """Divided before the root is taken."""
        v = kept["second"]
        return v.div(scalar(1.0 - self.betas[1] ** t, v)).sqrt_().add_(scalar(self.eps, v))

    def drifts(self, weights: WeightState, c: Coefficients, phi: float) -> Update:
        """Two drifts over one mass."""
        g, t = self.moments(weights, c, phi), weights.taken
        along_g, along_omega, _ = self.pace(c, t)
        mass = self.mass(weights.kept, t)
        return [
            Drift(weights.theta, g, along_g, mass, self.keep(c)),
            Drift(weights.theta, weights.omega, along_omega, mass),
        ]

    def pace(self, c: Coefficients, t: int) -> tuple[float, ...]:
        """The steps along g and along omega', and by what v' is divided."""
        now, then, p, lr = self.momentum(t), self.momentum(t + 1), self.product(t), c.velocity
        return lr * (1.0 - now) / (1.0 - p), lr * then / (1.0 - p * then), 1.0 - self.betas[1] ** t
