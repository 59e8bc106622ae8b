"""A stream that is slow: each sample is shown for some steps before the next one comes."""

from __future__ import annotations

import contextlib
import copy
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
        self.length = None if base.length is None else base.length * hold
        self.period, self.blend = base.period * hold, base.blend * hold
        self._sample: Sample | None = None
        self._shown = hold
        self._before = self._where()

    def _where(self) -> dict[str, Any] | None:
        """Where the stream below is, None where it does not say so."""
        with contextlib.suppress(NotImplementedError):
            return copy.deepcopy(self.base.state_dict())
        return None

    def __next__(self) -> Sample:
        if self._sample is None or self._shown == self.hold:
            before = self._where()
            self._sample, self._shown = next(self.base), 0
            self._before = before
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
        """Where the stream below was before the sample that is shown, and how often that was shown."""
        if self._before is None:
            return self.base.state_dict()  # it says why not
        return {"before": copy.deepcopy(self._before), "shown": self._shown, "given": self._sample is not None}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go there."""
        self.base.load_state_dict(copy.deepcopy(state["before"]))
        self._before, self._shown = copy.deepcopy(state["before"]), state["shown"]
        self._sample = next(self.base) if state["given"] else None
