"""The config of a set of points of task=density. Each is one file in hl_cli/density/data, its config class in it."""

from __future__ import annotations

from dataclasses import dataclass

from omegaconf import MISSING

from hl_cli.config.fields import described


@dataclass
class DataConfig:
    """Points, from which a density is learnt."""

    name: str = described(MISSING, "name in files and titles")


@dataclass
class DrawnConfig(DataConfig):
    """Points that are drawn from a known density."""

    train: int = described(10_000, "points of each replicate, for training", least=2, most=10**7)
    apart: int = described(1_000, "points that choose rates and weights", least=2, most=10**6)
    held_out: int = described(1_000, "points that judge, and as many again as the real sample", least=2, most=10**6)
