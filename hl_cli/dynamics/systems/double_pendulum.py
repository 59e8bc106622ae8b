r"""The double pendulum: two equal masses m = 1 on two rods of length l, angles from below.

    H = (p1^2 + 2 p2^2 - 2 p1 p2 cos d) / (2 l^2 (1 + sin^2 d)) + g l (3 - 2 cos q1 - cos q2),   d = q1 - q2
    p1 = l^2 (2 v1 + v2 cos d),   p2 = l^2 (v2 + v1 cos d)

Its mass depends on q: M = l^2 ((2, cos d), (cos d, 1)), whose determinant is l^4 (1 + sin^2 d). Lagrange's equations:

    2 v1' + v2' cos d = -v2^2 sin d - 2 (g / l) sin q1,   v1' cos d + v2' = v1^2 sin d - (g / l) sin q2
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
from hl_cli.dynamics.systems.base import System, uniform


@choice("system", "double_pendulum", home="DoublePendulum")
@dataclass
class DoublePendulumSystemConfig(SystemConfig):
    """Two equal masses on two equal rods; its mass depends on the angles, which no arm knows."""

    gravity: float = described(3.0, "g", above=0, most=1e6)
    length: float = described(1.0, "of each rod", above=0, most=1e6)
    reach: float = described(0.8, "largest angle of a start", above=0, most=3.1)


class DoublePendulum(System):
    """Two angles."""

    n = 2
    angles = True
    noise = 0.05

    def __init__(self, gravity: float = 3.0, length: float = 1.0, reach: float = 0.8) -> None:
        self.g, self.length, self.reach = gravity, length, reach
        self.mass = torch.ones(2, dtype=torch.float64)
        self.frequency = math.sqrt((2 + math.sqrt(2)) * gravity / length)  # the faster of both small motions

    def draw(self, count: int, generator: torch.Generator) -> Phase:
        """Angles up to `reach`, at rest."""
        return uniform(-self.reach, self.reach, (count, 2), generator), torch.zeros(count, 2, dtype=torch.float64)

    def acceleration(self, q: Tensor, v: Tensor) -> Tensor:
        """Both equations, solved for v1' and v2'."""
        d, rate = q[..., 0] - q[..., 1], self.g / self.length
        first = -(v[..., 1] ** 2) * d.sin() - 2 * rate * q[..., 0].sin()
        second = v[..., 0] ** 2 * d.sin() - rate * q[..., 1].sin()
        det = 1 + d.sin() ** 2
        return torch.stack([first - second * d.cos(), 2 * second - first * d.cos()], -1) / det.unsqueeze(-1)

    def momentum(self, q: Tensor, v: Tensor) -> Tensor:
        """dL/dv."""
        cos = (q[..., 0] - q[..., 1]).cos()
        return self.length**2 * torch.stack([2 * v[..., 0] + v[..., 1] * cos, v[..., 1] + v[..., 0] * cos], -1)

    def energy(self, q: Tensor, v: Tensor) -> Tensor:
        """p v / 2 and the heights."""
        kinetic = (self.momentum(q, v) * v).sum(-1) / 2
        return kinetic + self.g * self.length * (3 - 2 * q[..., 0].cos() - q[..., 1].cos())

    def hamiltonian(self, q: Tensor, p: Tensor) -> Tensor:
        """The same in q and p."""
        d = q[..., 0] - q[..., 1]
        top = p[..., 0] ** 2 + 2 * p[..., 1] ** 2 - 2 * p[..., 0] * p[..., 1] * d.cos()
        kinetic = top / (2 * self.length**2 * (1 + d.sin() ** 2))
        return kinetic + self.g * self.length * (3 - 2 * q[..., 0].cos() - q[..., 1].cos())
