"""The moments of a run at which it can be left and taken up again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from hl_cli.types import Sample


class Begun(NamedTuple):
    """What is still to come of a burst.

    samples: of its steps; task: of the stream, in it; arms: those that began it, of which some may have diverged.
    """

    samples: Sequence[Sample]
    task: str | None
    arms: tuple[str, ...]

    def state_dict(self) -> dict[str, Any]:
        """Plain values and tensors."""
        return {"samples": [list(one) for one in self.samples], "task": self.task, "arms": list(self.arms)}

    @classmethod
    def of(cls, state: dict[str, Any]) -> Begun:
        """What state_dict told."""
        return cls([Sample(*one) for one in state["samples"]], state["task"], tuple(state["arms"]))


class ResumePoint(NamedTuple):
    """All arms have taken every sample up to `step`, and every record has been given: between two bursts, or in one.

    limit: how many steps the next burst may take; alive: the arms that have not diverged; upcoming: the sample of
    the next burst, which the stream has given already, None where there is none; begun: the burst that was broken off.
    """

    step: int = 0
    limit: int = 1
    alive: tuple[str, ...] = ()
    upcoming: Sample | None = None
    begun: Begun | None = None

    @property
    def given(self) -> list[Sample]:
        """What the stream has given already, in its order."""
        begun = [] if self.begun is None else list(self.begun.samples)
        return begun if self.upcoming is None else [*begun, self.upcoming]

    def state_dict(self) -> dict[str, Any]:
        """Plain values and tensors."""
        return {
            "step": self.step,
            "limit": self.limit,
            "alive": list(self.alive),
            "upcoming": None if self.upcoming is None else list(self.upcoming),
            "begun": None if self.begun is None else self.begun.state_dict(),
        }

    @classmethod
    def of(cls, state: dict[str, Any]) -> ResumePoint:
        """The moment that state_dict told."""
        upcoming = None if state["upcoming"] is None else Sample(*state["upcoming"])
        begun = state.get("begun")  # checkpoints of before have none
        return cls(
            state["step"], state["limit"], tuple(state["alive"]), upcoming, None if begun is None else Begun.of(begun)
        )
