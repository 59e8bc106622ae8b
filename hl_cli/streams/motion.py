r"""Motions of a physical system, each from a start of its own, observed with noise: where is it a few ticks later?

    x_t = (q(t dt), what else is shown) + noise N(0, 1)          what a net sees at the ticks 0 to T - 1
    target                                                       the same without noise, `horizon` ticks later

q are the positions of the system, as its file in hl_cli/dynamics/systems has them, v their velocities, p the momenta
dL/dv. The motion is the true one, by the integrator that all systems share, so that energy and momenta of what is shown
are those of the start, to its tolerance. A bound pair, a triangle of bodies and a chaotic pendulum have no motion that
one could follow for ever, hence a new start for every sample.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from omegaconf import MISSING
from torch import Tensor

from hl_cli.config.fields import described
from hl_cli.config.registry import choice
from hl_cli.config.stream import StreamConfig
from hl_cli.config.systems import SystemConfig
from hl_cli.dynamics.phase_space import Phase
from hl_cli.dynamics.systems.base import System
from hl_cli.errors import BadInput
from hl_cli.streams.drawn import Drawn
from hl_cli.types import TARGETS, Sample, Task


@choice("stream", home="Motion", seeded=True)
@dataclass
class MotionConfig(StreamConfig):
    """A physical system, each sample from a start of its own, observed with noise: where it is horizon ticks later."""

    system: SystemConfig = MISSING
    dt: float | None = described(None, "time between two ticks; null: that of the system", above=0, most=100)
    ticks: int = described(16, "points that a sample sees", least=1)
    horizon: int = described(1, "ticks from the last point seen to the one asked for", least=1)
    targets: str = described("last", "ticks with a target: the last of a sample, or all", choices=TARGETS)
    noise: float | None = described(
        None, "standard deviation of what is added to what is seen; null: that of the system", least=0
    )
    show: str = described("qv", "positions alone, with velocities, or with momenta", choices=("q", "qv", "qp"))


class Motion(Drawn):
    """The motions of a system. Raises BadInput for rows of a file."""

    name = "motion"
    piece = 256  # they are integrated at once, and one takes as long as many

    def __init__(
        self,
        system: System,
        dt: float | None = None,
        ticks: int = 16,
        horizon: int = 1,
        targets: str = "last",
        noise: float | None = None,
        show: str = "qv",
        seed: int = 0,
        batch_size: int = 1,
        dtype: torch.dtype = torch.float32,
        device: str = "cpu",
    ) -> None:
        if not system.conserved:
            raise BadInput("stream.system=series: no motion is drawn of it; allowed: a system with an energy")
        self._system, self._horizon, self._show = system, horizon, show
        self._dt = system.dt if dt is None else dt
        self._noise = system.noise if noise is None else noise
        width = system.n if show == "q" else 2 * system.n
        self.origin = (
            f"generated: motions of {type(system).__name__}, a start each, {show} every {self._dt:g}, "
            f"noise {self._noise:g} on what is seen, seed {seed}"
        )
        super().__init__(ticks, width, Task("values", width, targets), seed, batch_size, dtype, device)

    def shown(self, motion: Phase) -> Tensor:
        """(..., n) twice as (..., width)."""
        q, v = motion
        also = {"q": (), "qv": (v,), "qp": (self._system.momentum(q, v),)}[self._show]
        return torch.cat((q, *also), -1)

    def draw(self, count: int, coin: torch.Generator) -> Sample:
        """What is seen; what is asked for; persistence says what was seen last."""
        motion = self._system.sample(count, self.ticks - 1 + self._horizon, self._dt, coin, False)
        points = self.shown(motion).transpose(0, 1)
        seen = points[:, : self.ticks]
        seen = seen + self._noise * torch.randn(seen.shape, generator=coin, dtype=torch.float64)
        asked = slice(0 if self.task.targets == "all" else self.ticks - 1, self.ticks)
        return Sample(seen, points[:, self._horizon :][:, asked].contiguous(), seen[:, asked].contiguous())
