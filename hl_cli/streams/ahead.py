"""A stream of which one sample was read ahead, as a run does to know which is the last."""

from __future__ import annotations

from typing import Any

from hl_cli.streams.base import Stream
from hl_cli.types import Sample


class Ahead(Stream):
    """first, then what base gives. All else is that of base."""

    def __init__(self, base: Stream, first: Sample) -> None:
        self.base = base
        self.ticks, self.features, self.task, self.image = base.ticks, base.features, base.task, base.image
        self.name, self.origin, self.licence, self.shuffled = base.name, base.origin, base.licence, base.shuffled
        self.length, self.period, self.blend = base.length, base.period, base.blend
        self.train_samples, self.descriptions, self.files = base.train_samples, base.descriptions, base.files
        self._first: Sample | None = first

    def __next__(self) -> Sample:
        if self._first is None:
            return next(self.base)
        sample, self._first = self._first, None
        return sample

    def held_out(self) -> Sample:
        """Those of the stream below."""
        return self.base.held_out()

    def held_out_tasks(self) -> dict[str, Sample]:
        """Those of the stream below."""
        return self.base.held_out_tasks()

    def current_task(self) -> str | None:
        """The task of the sample that was given last, or is given first."""
        return self.base.current_task()

    def state_dict(self) -> dict[str, Any]:
        """Where the stream below is, and the sample that is still to be given first."""
        return {"base": self.base.state_dict(), "first": None if self._first is None else list(self._first)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go there."""
        self.base.load_state_dict(state["base"])
        self._first = None if state["first"] is None else Sample(*state["first"])
