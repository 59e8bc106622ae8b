r"""Bodies in a plane that attract one another.

    H = sum_i m |v_i|^2 / 2 - g sum_{i<j} m^2 / |q_i - q_j|       m = 1
    q_i'' = g sum_j (q_j - q_i) / |q_j - q_i|^3

Positions are (x1, y1, x2, y2, ...). Energy, momentum and angular momentum are constant. Starts are regular polygons
with their centre at rest, at the speed of the circular orbit, each body disturbed by `spread`. With spread 0 they are
circular orbits:

    |v|^2 = g s / r,   s = sum_{k=1}^{N-1} 1 / (4 sin(pi k / N))      s = 1/4 for two bodies, 1/sqrt(3) for three
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from hl_cli.config.fields import described
from hl_cli.config.registry import choice
from hl_cli.config.systems import SPREAD, SystemConfig
from hl_cli.dynamics.phase_space import Phase
from hl_cli.dynamics.systems.base import System, uniform


@choice("system", "two_body", home="TwoBody")
@dataclass
class TwoBodySystemConfig(SystemConfig):
    """Two bodies of mass 1 in a plane that attract one another, near a circular orbit."""

    gravity: float = described(1.0, "g", above=0, most=1e6)
    spread: float = described(0.1, SPREAD, least=0, most=0.5)


@choice("system", "three_body", home="ThreeBody")
@dataclass
class ThreeBodySystemConfig(SystemConfig):
    """Three bodies of mass 1 in a plane that attract one another, near a circular orbit, which is not stable."""

    gravity: float = described(1.0, "g", above=0, most=1e6)
    spread: float = described(0.05, SPREAD, least=0, most=0.5)


class Bodies(System):
    """So many bodies."""

    RADIUS: ClassVar[tuple[float, float]]
    noise = 0.02

    def __init__(self, gravity: float = 1.0, spread: float = 0.1) -> None:
        self.g, self.spread, self.n = gravity, spread, 2 * self.bodies
        self.mass = torch.ones(self.n, dtype=torch.float64)
        self.pairs = torch.triu_indices(self.bodies, self.bodies, 1)

    def draw(self, count: int, generator: torch.Generator) -> Phase:
        """Disturbed circular orbits, either way round; the centre of mass rests at 0."""
        r, turn, way = (
            uniform(low, high, (count, 1), generator) for low, high in (self.RADIUS, (0, 2 * math.pi), (-1, 1))
        )
        angles = turn + 2 * math.pi / self.bodies * torch.arange(self.bodies)
        pull = sum(1 / (4 * math.sin(math.pi * k / self.bodies)) for k in range(1, self.bodies))
        speed = way.sign() * (self.g * pull / r).sqrt()
        q = r.unsqueeze(2) * torch.stack([angles.cos(), angles.sin()], 2)
        v = speed.unsqueeze(2) * torch.stack([-angles.sin(), angles.cos()], 2)
        found = []
        for of, size in ((q, r), (v, speed.abs())):
            of = of + self.spread * size.unsqueeze(2) * uniform(-1, 1, tuple(of.shape), generator)
            found.append((of - of.mean(1, keepdim=True)).flatten(1))
        return found[0], found[1]

    def _gaps(self, q: Tensor) -> Tensor:
        """q_i - q_j of all pairs, (..., pairs, 2)."""
        at = q.unflatten(-1, (self.bodies, 2))
        return at[..., self.pairs[0], :] - at[..., self.pairs[1], :]

    def acceleration(self, q: Tensor, v: Tensor) -> Tensor:
        """Towards the others."""
        gaps = self._gaps(q)
        pulls = self.g * gaps / gaps.square().sum(-1, keepdim=True) ** 1.5
        found = torch.zeros_like(q).unflatten(-1, (self.bodies, 2))
        return found.index_add(-2, self.pairs[0], -pulls).index_add(-2, self.pairs[1], pulls).flatten(-2)

    def potential(self, q: Tensor) -> Tensor:
        """-g / distance, of all pairs."""
        return -(self.g / self._gaps(q).square().sum(-1).sqrt()).sum(-1)

    def constants(self, q: Tensor, v: Tensor) -> dict[str, Tensor]:
        """Momentum in x and y; angular momentum about 0."""
        at, speed = (of.unflatten(-1, (self.bodies, 2)) for of in (q, v))
        turn = at[..., 0] * speed[..., 1] - at[..., 1] * speed[..., 0]
        whole = speed.sum(-2)
        return {"momentum_x": whole[..., 0], "momentum_y": whole[..., 1], "angular_momentum": turn.sum(-1)}


class TwoBody(Bodies):
    """Kepler's problem."""

    bodies, RADIUS = 2, (0.8, 1.2)


class ThreeBody(Bodies):
    """Lagrange's triangle, which falls apart."""

    bodies, RADIUS = 3, (0.9, 1.2)
    horizon = 300  # then near encounters begin

    def __init__(self, gravity: float = 1.0, spread: float = 0.05) -> None:
        super().__init__(gravity, spread)
