"""The moments of a run at which it can be left and taken up again."""

from __future__ import annotations

from typing import Any, NamedTuple

from hl_cli.types import Sample


class ResumePoint(NamedTuple):
    """Between two bursts: all arms have taken every sample up to `step`, and every record has been given.

    limit: how many steps the next burst may take; alive: the arms that have not diverged; upcoming: the sample of
    the next step, which the stream has given already, None where there is no next step.
    """

    step: int = 0
    limit: int = 1
    alive: tuple[str, ...] = ()
    upcoming: Sample | None = None

    def state_dict(self) -> dict[str, Any]:
        """Plain values and tensors."""
        parts = None if self.upcoming is None else list(self.upcoming)
        return {"step": self.step, "limit": self.limit, "alive": list(self.alive), "upcoming": parts}

    @classmethod
    def of(cls, state: dict[str, Any]) -> ResumePoint:
        """The moment that state_dict told."""
        upcoming = None if state["upcoming"] is None else Sample(*state["upcoming"])
        return cls(state["step"], state["limit"], tuple(state["alive"]), upcoming)
