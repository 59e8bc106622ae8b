r"""Two bodies that attract one another in the plane of the picture: two equal blobs.

starts near circular orbits of radius .8 to 1.2, either way round
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from hl_cli.config.fields import described
from hl_cli.config.registry import choice
from hl_cli.config.scenes import SceneConfig
from hl_cli.config.systems import SPREAD
from hl_cli.dynamics.phase_space import Phase
from hl_cli.dynamics.systems import bodies
from hl_cli.video.scenes.base import Scene


@choice("scene", "two_body", home="TwoBody")
@dataclass
class TwoBodySceneConfig(SceneConfig):
    """Two equal blobs that attract one another."""

    gravity: float = described(1.0, "g", above=0, most=1e6)
    spread: float = described(0.1, SPREAD, least=0, most=0.5)


class TwoBody(Scene):
    """Two blobs."""

    dt, n, edge, width = 0.25, 4, 1.8, 0.28

    def __init__(self, gravity: float = 1.0, spread: float = 0.1) -> None:
        self.system = bodies.TwoBody(gravity, spread)

    def draw(self, count: int, generator: torch.Generator) -> Phase:
        """Those of the system."""
        return self.system.draw(count, generator)

    def places(self, q: Tensor) -> Tensor:
        """Themselves."""
        return q.unflatten(-1, (2, 2))
