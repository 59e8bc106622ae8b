r"""A pendulum: a blob at (sin q, -cos q), whatever its length.

H = l^2 v^2 / 2 + g l (1 - cos q);   starts of .1 to .8333 of the energy at which it turns over, 2 g l
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from hl_cli.config.fields import described
from hl_cli.config.registry import choice
from hl_cli.config.scenes import SceneConfig
from hl_cli.dynamics.phase_space import Phase
from hl_cli.dynamics.systems import base, pendulum
from hl_cli.video.scenes.base import Scene


@choice("scene", "pendulum", home="Pendulum")
@dataclass
class PendulumSceneConfig(SceneConfig):
    """A pendulum that swings wide, a blob on an arc."""

    gravity: float = described(3.0, "g", above=0, most=1e6)
    length: float = described(1.0, "of the pendulum, for its motion; it is drawn with length 1", above=0, most=1e6)


class Pendulum(Scene):
    """One blob."""

    SHARE = (0.1, 5 / 6)

    def __init__(self, gravity: float = 3.0, length: float = 1.0) -> None:
        self.system = self._of = pendulum.Pendulum(gravity, length)

    def draw(self, count: int, generator: torch.Generator) -> Phase:
        """An energy, an angle that it reaches, and the speed there either way."""
        of = self._of
        energy = 2 * of.g * of.length * base.uniform(*self.SHARE, (count, 1), generator)
        widest = (1 - energy / (of.g * of.length)).acos()
        q = widest * base.uniform(-1, 1, (count, 1), generator)
        kinetic = (energy - of.potential(q).unsqueeze(-1)).clamp(min=0)
        return q, base.signs((count, 1), generator) * (2 * kinetic).sqrt() / of.length

    def places(self, q: Tensor) -> Tensor:
        """On the unit circle, 0 below."""
        return torch.stack([q.sin(), -q.cos()], -1)
