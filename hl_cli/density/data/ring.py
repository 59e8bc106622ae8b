"""A ring in the plane."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from hl_cli.config.data import DrawnConfig
from hl_cli.config.fields import described
from hl_cli.config.registry import choice
from hl_cli.density.data.base import Drawn


@choice("data", "ring", home="Ring")
@dataclass
class RingConfig(DrawnConfig):
    """A ring in the plane: all angles alike, a radius about its mean."""

    radius: float = described(2.0, "mean of the radius", above=0)
    std: float = described(0.15, "standard deviation of the radius", above=0)


class Ring(Drawn):
    """p(x) = (N(|x|; radius, std^2) + N(-|x|; radius, std^2)) / (2 pi |x|): the radius is |N(radius, std^2)|."""

    n = 2

    def __init__(
        self, radius: float = 2.0, std: float = 0.15, train: int = 10_000, apart: int = 1_000, held_out: int = 1_000
    ) -> None:
        super().__init__(train, apart, held_out)
        self.radius, self.std, self.origin = radius, std, f"a ring of radius {radius:g}, {std:g} wide"

    def draw(self, count: int, generator: torch.Generator) -> Tensor:
        """An angle and a radius."""
        angle = 2 * math.pi * torch.rand(count, generator=generator, dtype=torch.float64)
        radius = self.radius + self.std * torch.randn(count, generator=generator, dtype=torch.float64)
        return radius.unsqueeze(1) * torch.stack([angle.cos(), angle.sin()], 1)

    def log_density(self, x: Tensor) -> Tensor:
        """That of the radius, by the circle."""
        radius = x.norm(dim=-1)
        both = torch.stack([(radius - self.radius) / self.std, (-radius - self.radius) / self.std])
        one = (-both.square() / 2).logsumexp(0) - math.log(self.std * math.sqrt(2 * math.pi))
        return one - (2 * math.pi * radius).log()
