"""A stream that is slow: each sample is shown for some steps before the next one comes."""

from __future__ import annotations

from typing import Any

from hl_cli.streams.base import Stream
from hl_cli.streams.over import Over, again, kept
from hl_cli.types import Sample


class Held(Over):
    """base, each of its samples `hold` times. Periods of tasks last as many samples as before, hold times the steps."""

    def __init__(self, base: Stream, hold: int) -> None:
        super().__init__(base)
        self.hold = hold
        self.origin = f"{base.origin}, each sample held for {hold} steps"
        self.length = None if base.length is None else base.length * hold
        self.period, self.blend = base.period * hold, base.blend * hold
        self._sample: Sample | None = None
        self._shown = hold

    def __next__(self) -> Sample:
        if self._sample is None or self._shown == self.hold:
            self._sample, self._shown = next(self.base), 0
        self._shown += 1
        return self._sample

    def state_dict(self) -> dict[str, Any]:
        """Where the stream below is, the sample that is shown, and how often it was shown."""
        return {**super().state_dict(), "shown": self._shown, "sample": kept(self._sample)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go there."""
        super().load_state_dict(state)
        self._shown, self._sample = state["shown"], again(state["sample"])
