"""The config of a sweep."""

from __future__ import annotations

from dataclasses import dataclass

from hl_cli.config.fields import described


@dataclass
class Sweep:
    """A sweep."""

    resume: str | None = described(None, "folder of an earlier sweep: only what is missing or failed there is run")
