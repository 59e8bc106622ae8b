"""A stream that is slow: each sample is shown for some steps before the next one comes."""

from __future__ import annotations

from typing import Any

from hl_cli.streams.base import Stream
from hl_cli.types import Sample


class Held(Stream):
    """base, each of its samples `hold` times. Periods of tasks last as many samples as before, hold times the steps."""

    def __init__(self, base: Stream, hold: int) -> None:
        self.base, self.hold = base, hold
        self.ticks, self.features, self.task, self.image = base.ticks, base.features, base.task, base.image
        self.name, self.licence, self.train_samples = base.name, base.licence, base.train_samples
        self.origin = f"{base.origin}, each sample held for {hold} steps"
        self.shuffled, self.overlapping, self.spread = base.shuffled, base.overlapping, base.spread
        self.length = None if base.length is None else base.length * hold
        self.period, self.blend = base.period * hold, base.blend * hold
        self.files = base.files
        self._sample: Sample | None = None
        self._shown = hold

    def __next__(self) -> Sample:
        if self._sample is None or self._shown == self.hold:
            self._sample, self._shown = next(self.base), 0
        self._shown += 1
        return self._sample

    def label(self) -> bool:
        """As the stream below."""
        return self.base.label()

    def held_out(self) -> Sample:
        """Those of the stream below, once each."""
        return self.base.held_out()

    def held_out_tasks(self) -> dict[str, Sample]:
        """Those of the stream below, once each."""
        return self.base.held_out_tasks()

    def current_task(self) -> str | None:
        """The task of the sample that is shown."""
        return self.base.current_task()

    def state_dict(self) -> dict[str, Any]:
        """Where the stream below is, the sample that is shown, and how often it was shown."""
        sample = None if self._sample is None else list(self._sample)
        return {"base": self.base.state_dict(), "shown": self._shown, "sample": sample}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go there."""
        self.base.load_state_dict(state["base"])
        self._shown = state["shown"]
        self._sample = None if state["sample"] is None else Sample(*state["sample"])
