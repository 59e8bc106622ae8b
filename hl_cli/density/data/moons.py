"""Two half circles that reach into one another."""

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

NODES = 400  # of an arc, for its integral


@choice("data", "moons", home="Moons")
@dataclass
class MoonsConfig(DrawnConfig):
    """Two half circles in the plane that reach into one another, with noise."""

    radius: float = described(1.5, "of both", above=0)
    std: float = described(0.12, "standard deviation of the noise", above=0)


class Moons(Drawn):
    """Arcs r (cos a, sin a) - c and c - r (cos a, sin a), 0 <= a <= pi, c = r (1/2, 1/4), with N(0, std^2 I)."""

    n = 2

    def __init__(
        self, radius: float = 1.5, std: float = 0.12, train: int = 10_000, apart: int = 1_000, held_out: int = 1_000
    ) -> None:
        super().__init__(train, apart, held_out)
        self.radius, self.std = radius, std
        self.origin = f"two half circles of radius {radius:g}, {std:g} wide"

    def _arcs(self, angle: Tensor) -> Tensor:
        """Both arcs at some angles, (2, b, 2)."""
        arc = self.radius * (torch.stack([angle.cos(), angle.sin()], -1) - torch.tensor([0.5, 0.25]).to(angle))
        return torch.stack([arc, -arc])

    def draw(self, count: int, generator: torch.Generator) -> Tensor:
        """An arc, an angle, and noise."""
        arcs = self._arcs(math.pi * torch.rand(count, generator=generator, dtype=torch.float64))
        which = torch.randint(2, (count,), generator=generator)
        noise = torch.randn(count, 2, generator=generator, dtype=torch.float64)
        return arcs[which, torch.arange(count)] + self.std * noise

    def log_density(self, x: Tensor) -> Tensor:
        """The mean of N(x; arc, std^2 I) over both arcs, by the midpoint rule."""
        angles = math.pi * (torch.arange(NODES, dtype=torch.float64) + 0.5) / NODES
        nodes = self._arcs(angles).flatten(0, 1)
        found = [(log_normal((some.unsqueeze(1) - nodes) / self.std)).logsumexp(1) for some in x.double().split(2_000)]
        return torch.cat(found) - math.log(len(nodes)) - 2 * math.log(self.std)
