"""scheme=blocks: blocks pass h and costate to one another within the tick; equals SGD (hl_cli.learners.passing)."""

from __future__ import annotations

from dataclasses import dataclass

from omegaconf import MISSING

from hl_cli.config import schemes
from hl_cli.config.fields import described
from hl_cli.config.registry import choice
from hl_cli.learners import passing
from hl_cli.schemes.staged import Staged


@choice("scheme", "blocks", home="Blocks")
@dataclass
class BlocksConfig(schemes.Staged):
    """Each block back-propagates inside itself; h and costate pass between blocks within the tick."""

    name: str = described(MISSING, "name in files and titles", choices=("blocks",))


class Blocks(Staged):
    """Its learner is hl_cli.learners.passing.Blockwise."""

    name, of = "blocks", passing.Blockwise
