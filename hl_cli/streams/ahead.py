"""A stream of which one sample was read ahead, as a run does to know which is the last."""

from __future__ import annotations

from typing import Any

from hl_cli.streams.base import Stream
from hl_cli.streams.over import Over, again, kept
from hl_cli.types import Sample


class Ahead(Over):
    """first, then what base gives."""

    def __init__(self, base: Stream, first: Sample) -> None:
        super().__init__(base)
        self._first: Sample | None = first

    def __next__(self) -> Sample:
        if self._first is None:
            return next(self.base)
        sample, self._first = self._first, None
        return sample

    def state_dict(self) -> dict[str, Any]:
        """Where the stream below is, and the sample that is still to be given first."""
        return {**super().state_dict(), "first": kept(self._first)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go there."""
        super().load_state_dict(state)
        self._first = again(state["first"])
