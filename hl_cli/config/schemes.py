"""The config of a scheme: in which order blocks see one another. Each kind stands in its own file in hl_cli/schemes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from omegaconf import MISSING

from hl_cli.config.fields import described


@dataclass
class Scheme:
    """Who sees what within a step; what each kind has beside its name is in its file."""

    name: str = described(MISSING, "name in files and titles")


@dataclass
class Staged(Scheme):
    """What the schemes share in which each block is on its own."""

    blocks: Any = described(None, "how many blocks, or [the layers, from 1, before which to cut]; null: a layer each")
    devices: list[str] | None = described(None, "where the blocks sit, bottom first, in one process; null: on device")
