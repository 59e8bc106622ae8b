r"""A mass on a spring, seen from the side: a blob at (q, 0).

H = p^2 / (2 m) + k q^2 / 2;   starts on an ellipse of one energy, q up to .1 to 1, at any phase
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from hl_cli.config.fields import described
from hl_cli.config.registry import choice
from hl_cli.config.scenes import SceneConfig
from hl_cli.dynamics.phase_space import Phase
from hl_cli.dynamics.systems import base, mass_spring
from hl_cli.video.scenes.base import Scene


@choice("scene", "mass_spring", home="MassSpring")
@dataclass
class MassSpringSceneConfig(SceneConfig):
    """A mass on a spring, a blob that moves left and right."""

    stiffness: float = described(2.0, "k", above=0, most=1e6)
    mass: float = described(0.5, "m", above=0, most=1e6)


class MassSpring(Scene):
    """One blob."""

    REACH = (0.1, 1.0)

    def __init__(self, stiffness: float = 2.0, mass: float = 0.5) -> None:
        self.system = mass_spring.MassSpring(stiffness, mass)

    def draw(self, count: int, generator: torch.Generator) -> Phase:
        """Any phase of a swing."""
        assert self.system.frequency
        reach = base.uniform(*self.REACH, (count, 1), generator)
        phase = base.uniform(0, 2 * math.pi, (count, 1), generator)
        return reach * phase.cos(), self.system.frequency * reach * phase.sin()

    def places(self, q: Tensor) -> Tensor:
        """(q, 0)."""
        return torch.stack([q, torch.zeros_like(q)], -1)
