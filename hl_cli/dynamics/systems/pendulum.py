r"""The pendulum: q'' = -(g / l) sin q.

    H = l^2 v^2 / 2 + g l (1 - cos q), mass 1

Starts hang between 0.3 and 2.6 from below on either side, speed at most 1: none has the energy to turn over.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from hl_cli.config.fields import described
from hl_cli.config.registry import choice
from hl_cli.config.systems import SystemConfig
from hl_cli.dynamics.phase_space import Phase
from hl_cli.dynamics.systems.base import System, signs, uniform


@choice("system", "pendulum", home="Pendulum")
@dataclass
class PendulumSystemConfig(SystemConfig):
    """A pendulum that swings wide, without friction: q'' = -(g / length) sin q."""

    gravity: float = described(9.82, "g", above=0, most=1e6)
    length: float = described(1.0, "of the pendulum", above=0, most=1e6)


class Pendulum(System):
    """One angle, from below."""

    n = 1
    angles = True
    ANGLE, SPEED = (0.3, 2.6), 1.0

    def __init__(self, gravity: float = 9.82, length: float = 1.0) -> None:
        self.g, self.length = gravity, length
        self.mass = torch.tensor([length * length], dtype=torch.float64)
        self.frequency = math.sqrt(gravity / length)

    def draw(self, count: int, generator: torch.Generator) -> Phase:
        """Wide and narrow swings; the speeds are those of g = 9.82, l = 1 in units of the frequency."""
        q = signs((count, 1), generator) * uniform(*self.ANGLE, (count, 1), generator)
        assert self.frequency
        speed = self.SPEED * self.frequency / math.sqrt(9.82)
        return q, uniform(-speed, speed, (count, 1), generator)

    def acceleration(self, q: Tensor, v: Tensor) -> Tensor:
        """-(g / l) sin q."""
        return -self.g / self.length * q.sin()

    def potential(self, q: Tensor) -> Tensor:
        """Height over the lowest point by g."""
        return self.g * self.length * (1 - q.cos()).sum(-1)
