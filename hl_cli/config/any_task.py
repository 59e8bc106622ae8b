"""What the configs of all tasks have: where files go, sweeps and checkpoints."""

from __future__ import annotations

from dataclasses import dataclass, field

from omegaconf import MISSING

from hl_cli.config.fields import described
from hl_cli.config.paths import Paths
from hl_cli.config.sweep import Sweep


@dataclass
class AnyTask:
    """A task."""

    paths: Paths = MISSING
    sweep: Sweep = field(default_factory=Sweep)
    checkpoint_every: int = described(
        100, "steps between checkpoints, one more after each part; 0: at Ctrl-C and SIGTERM only", least=0
    )
