"""The config of a scene of task=video. Each is one file in hl_cli/video/scenes, its config class in it."""

from __future__ import annotations

from dataclasses import dataclass

from omegaconf import MISSING

from hl_cli.config.fields import described


@dataclass
class SceneConfig:
    """What is filmed."""

    name: str = described(MISSING, "name in files and titles")
