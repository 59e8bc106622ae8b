r"""The contract of a scene: videos for training, and films for judging, which go further on both sides of frame 0.

A scene of a physical system draws the exact trajectory of `hl_cli.dynamics.systems`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from hl_cli.dynamics.phase_space import Phase
from hl_cli.dynamics.systems.base import System
from hl_cli.video.frames import drawn

FINE = 2  # points of an exact trajectory a frame, so that half speed is among them


@dataclass(frozen=True)
class Film:
    """points: (count, points, pixels), `fine` a frame; zero: the point of frame 0; energy: the true one, (count,)."""

    points: Tensor
    zero: int
    fine: int
    energy: Tensor | None

    def frames(self, first: int, count: int, speed: float = 1.0) -> Tensor:
        """So many frames from a number on, (videos, count, pixels); fine * speed: a whole number."""
        step = round(self.fine * speed)
        begin = self.zero + first * step
        return self.points[:, begin : begin + count * step : step]


class Scene:
    """dt: time between frames; n: coordinates of the learnt q: unless the user says others; edge, width: of frames."""

    dt: float = 0.125
    n: ClassVar[int] = 2
    edge: ClassVar[float] = 1.4
    width: ClassVar[float] = 0.22
    system: System

    def draw(self, count: int, generator: torch.Generator) -> Phase:
        """So many starts, (count, n) each."""
        raise NotImplementedError

    def places(self, q: Tensor) -> Tensor:
        """(.., bodies, 2): x to the right and y up."""
        raise NotImplementedError

    def length(self) -> int | None:
        """Frames of what there is; None: as many as wanted."""
        return None

    def check(self, size: int, judged: int) -> None:
        """Raise BadInput if there are no such frames, or not so many videos to judge by."""

    def videos(self, count: int, frames: int, dt: float, size: int, generator: torch.Generator) -> Tensor:
        """For training, (count, frames, pixels)."""
        path = self.system.trajectory(*self.draw(count, generator), dt, frames - 1)[0]
        return self._filmed(path, size)

    def film(self, count: int, before: int, after: int, dt: float, size: int, generator: torch.Generator) -> Film:
        """For judging: frames -before to after, frame 0 between them."""
        q, v = self.draw(count, generator)
        ahead = self.system.trajectory(q, v, dt / FINE, FINE * after)[0]
        back = self.system.trajectory(q, -v, dt / FINE, FINE * before)[0] if before else ahead[:1]
        points = self._filmed(torch.cat([back[1:].flip(0), ahead]), size)
        return Film(points, FINE * before, FINE, self.system.energy(q, v))

    def _filmed(self, q: Tensor, size: int) -> Tensor:
        """Frames (count, time, pixels) in float32 of positions (time, count, n)."""
        return drawn(self.places(q).float(), size, self.edge, self.width).transpose(0, 1)
