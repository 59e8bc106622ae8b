"""An update rule: theta follows the mean of omega, which fades by a field of its config."""

from __future__ import annotations

from dataclasses import dataclass

from hl_cli.config.fields import described
from hl_cli.config.registry import choice
from hl_cli.config.rules import Integrator
from hl_cli.dynamics.equivalence import Coefficients
from hl_cli.dynamics.rules import UpdateRule
from hl_cli.dynamics.rules.base import Drift, Update, WeightState, add_scaled, complete


@choice("integrator", "averaged", home="Averaged")
@dataclass
class AveragedConfig(Integrator):
    """Weights follow a mean of their costates."""

    fade: float = described(0.5, "what of the mean stays at a step", least=0, below=1)


class Averaged(UpdateRule):
    name, order, newest = "averaged", 1, True
    slots, another_method = ("mean",), "its weights follow a mean"

    def __init__(self, fade: float = 0.5) -> None:
        self.fade = fade

    def drifts(self, weights: WeightState, c: Coefficients, phi: float) -> Update:
        add_scaled(weights.omega.mul_(c.decay), complete(weights, c), c.tau * phi)
        return [Drift(weights.theta, weights.kept["mean"].lerp_(weights.omega, 1.0 - self.fade), c.velocity)]
