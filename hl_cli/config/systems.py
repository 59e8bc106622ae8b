"""The config of a physical system. Each is one file in hl_cli/dynamics/systems, its config class in it."""

from __future__ import annotations

from dataclasses import dataclass

from omegaconf import MISSING

from hl_cli.config.fields import described

SPREAD = "of starts about the circular orbit, as a share of its radius and speed"


@dataclass
class SystemConfig:
    """A system with positions and velocities."""

    name: str = described(MISSING, "name in files and titles")
