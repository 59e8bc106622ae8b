"""The config of a scene of task=video. Each is one file in hl_cli/video/scenes, its config class in it."""

from __future__ import annotations

from dataclasses import dataclass

from omegaconf import MISSING

from hl_cli.config.fields import described

SPREAD = "of starts about the circular orbit, as a share of its radius and speed"


@dataclass
class SceneConfig:
    """What is filmed."""

    name: str = described(MISSING, "name in files and titles")
