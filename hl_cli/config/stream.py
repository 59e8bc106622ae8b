"""What the configs of all streams share."""

from __future__ import annotations

from dataclasses import dataclass

from omegaconf import MISSING

from hl_cli.config.fields import described


@dataclass
class StreamConfig:
    """Where samples come from; what each kind has beside its name is below."""

    name: str = described(MISSING, "name in files and titles")
