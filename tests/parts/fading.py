"""A credit: eligibility whose traces fade, s' = fade (D s + B)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from hl_cli.config.credits import CreditConfig
from hl_cli.config.fields import described
from hl_cli.config.registry import choice
from hl_cli.credit.eligibility import Eligibility, TracedChain
from hl_cli.dynamics.accumulator import GradientAccumulator


@choice(
    "credit", "fading", home="Fading", past="s, which fades", future="0", cost="as eligibility", exact="with fade=1"
)
@dataclass
class FadingConfig(CreditConfig):
    """Eligibility that forgets."""

    fade: float = described(0.9, "factor of the traces at every tick", above=0, most=1)


class FadingChain(TracedChain):
    fade = 1.0

    def vjp(self, below: Tensor | None, drive: GradientAccumulator) -> None:
        super().vjp(below, drive)
        self.traces = [None if s is None else s * self.fade for s in self.traces]


class Fading(Eligibility):
    def __init__(self, ground: Any, fade: float, **options: Any) -> None:
        self.fade = fade
        super().__init__(ground, **options)

    def chain(self) -> FadingChain:
        chain = FadingChain(list(self.split.state), self.flow, self.newest)
        chain.fade = self.fade
        return chain
