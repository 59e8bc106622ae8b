r"""A mass on a spring: m q'' = -k q, with H = m v^2 / 2 + k q^2 / 2."""

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


@choice("system", "mass_spring", home="MassSpring")
@dataclass
class MassSpringSystemConfig(SystemConfig):
    """A mass on a spring, without friction: mass q'' = -stiffness q."""

    stiffness: float = described(2.0, "k", above=0, most=1e6)
    mass: float = described(1.0, "m", above=0, most=1e6)


class MassSpring(System):
    """One position, from rest."""

    n = 1
    REACH, SPEED = (0.5, 1.5), 1.0

    def __init__(self, stiffness: float = 2.0, mass: float = 1.0) -> None:
        self.k = stiffness
        self.mass = torch.tensor([mass], dtype=torch.float64)
        self.frequency = math.sqrt(stiffness / mass)

    def draw(self, count: int, generator: torch.Generator) -> Phase:
        """On either side of rest."""
        q = signs((count, 1), generator) * uniform(*self.REACH, (count, 1), generator)
        return q, uniform(-self.SPEED, self.SPEED, (count, 1), generator)

    def acceleration(self, q: Tensor, v: Tensor) -> Tensor:
        """-k q / m."""
        return -self.k / self.mass * q

    def potential(self, q: Tensor) -> Tensor:
        """k q^2 / 2."""
        return self.k * (q * q).sum(-1) / 2
