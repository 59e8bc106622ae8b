"""The config of a density to sample from. Each is one file in hl_cli/sampling, its config class in it."""

from __future__ import annotations

from dataclasses import dataclass

from omegaconf import MISSING

from hl_cli.config.fields import described


@dataclass
class TargetConfig:
    """A density with its derivatives."""

    name: str = described(MISSING, "name in files and titles")
