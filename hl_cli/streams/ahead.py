"""A stream of which samples were read ahead, as a run does to know which is the last."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hl_cli.streams.base import Stream
from hl_cli.streams.over import Over
from hl_cli.types import Sample


class Ahead(Over):
    """Those that were given, then what base gives."""

    def __init__(self, base: Stream, given: Sequence[Sample]) -> None:
        super().__init__(base)
        self._given = list(given)

    def __next__(self) -> Sample:
        return self._given.pop(0) if self._given else next(self.base)

    def state_dict(self) -> dict[str, Any]:
        """Where the stream below is, and the samples that are still to be given first."""
        return {**super().state_dict(), "given": [list(one) for one in self._given]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go there."""
        super().load_state_dict(state)
        self._given = [Sample(*one) for one in state["given"]]
