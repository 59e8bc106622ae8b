"""scheme=local: a block sees its neighbours' last tick alone, and a sample enters at every tick."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from omegaconf import MISSING

from hl_cli.config import schemes
from hl_cli.config.fields import described
from hl_cli.config.registry import choice
from hl_cli.learners import local
from hl_cli.schemes.staged import Staged


@choice("scheme", "local", home="Local")
@dataclass
class LocalConfig(schemes.Staged):
    """Each block reads only what its neighbours showed a tick ago; a sample enters at every tick."""

    name: str = described(MISSING, "name in files and titles", choices=("local",))
    stash: bool = described(False, "keep the last 2(D-i)+2 inputs of block i, so that its costate meets its own input")


class Local(Staged):
    """Its learner is hl_cli.learners.local.Local."""

    name, of = "local", local.Local

    def another_method(self, integrator: str, window: int | None) -> str:
        """Of any integrator."""
        return "scheme=local is another method: costates arrive late; compare the curves"

    def note(self, learner: Any) -> str:
        """How late outputs and costates are."""
        depth = learner.depth
        late = f"; HL says of a sample what it is {depth - 1} steps later" if depth > 1 else ""
        if learner.stash:
            return f"{late}; costates meet their own inputs, at the weights of now"
        return (
            f"{late}; costates meet inputs up to {2 * depth - 1} steps newer than their own: scheme.stash=true, or "
            f"hold={2 * depth}"
        )
