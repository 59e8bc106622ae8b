"""Where the folders of runs lie."""

from __future__ import annotations

from dataclasses import dataclass

from hl_cli.config.fields import described


@dataclass
class Paths:
    """Folders."""

    outputs: str = described("outputs", "folder of all runs; hydra.run.dir=DIR names the folder of one run")
