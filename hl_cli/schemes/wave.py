"""scheme=wave: a block sees its neighbours' last tick alone; equals SGD (hl_cli.learners.passing)."""

from __future__ import annotations

from dataclasses import dataclass

from omegaconf import MISSING

from hl_cli.config import schemes
from hl_cli.config.fields import described
from hl_cli.config.registry import choice
from hl_cli.learners import passing
from hl_cli.schemes.staged import Staged


@choice("scheme", "wave", home="Wave")
@dataclass
class WaveConfig(schemes.Staged):
    """A sample is held for 2D ticks; each block updates at the tick when its costate passes."""

    name: str = described(MISSING, "name in files and titles", choices=("wave",))


class Wave(Staged):
    """Its learner is hl_cli.learners.passing.Wave."""

    name, of = "wave", passing.Wave
