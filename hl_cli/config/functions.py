"""The config of a function to minimise. Each is one file in hl_cli/minimise, its config class in it."""

from __future__ import annotations

from dataclasses import dataclass

from omegaconf import MISSING

from hl_cli.config.fields import described


@dataclass
class FunctionConfig:
    """A function with an exact gradient."""

    name: str = described(MISSING, "name in files and titles")
