"""Gaussians on a circle."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from hl_cli.config.data import DrawnConfig
from hl_cli.config.fields import described
from hl_cli.config.registry import choice
from hl_cli.density.data.base import Drawn
from hl_cli.density.flow import log_normal


@choice("data", "mixture", home="Mixture")
@dataclass
class MixtureConfig(DrawnConfig):
    """Equal Gaussians at even angles on a circle, in the plane."""

    components: int = described(8, "Gaussians", least=1, most=1000)
    radius: float = described(2.0, "of the circle", least=0)
    std: float = described(0.2, "standard deviation of each", above=0)


class Mixture(Drawn):
    """p(x) = mean over k of N(x; radius (cos a_k, sin a_k), std^2 I), a_k = 2 pi k / components."""

    n = 2

    def __init__(
        self, components: int = 8, radius: float = 2.0, std: float = 0.2,
        train: int = 10_000, apart: int = 1_000, held_out: int = 1_000,
    ) -> None:  # fmt: skip
        super().__init__(train, apart, held_out)
        self.std, self.origin = std, f"{components} Gaussians of {std:g} on a circle of {radius:g}"
        angles = 2 * math.pi * torch.arange(components, dtype=torch.float64) / components
        self.centres = radius * torch.stack([angles.cos(), angles.sin()], 1)

    def draw(self, count: int, generator: torch.Generator) -> Tensor:
        """A centre, and noise."""
        chosen = torch.randint(len(self.centres), (count,), generator=generator)
        return self.centres[chosen] + self.std * torch.randn(count, 2, generator=generator, dtype=torch.float64)

    def log_density(self, x: Tensor) -> Tensor:
        """Of the whole mixture."""
        apart = log_normal((x.unsqueeze(1) - self.centres) / self.std) - 2 * math.log(self.std)
        return apart.logsumexp(1) - math.log(len(self.centres))
