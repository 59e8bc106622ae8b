"""Ctrl-C and SIGTERM end a run after the step in hand, so that its files and report can be finished."""

from __future__ import annotations

import signal
from types import FrameType
from typing import Any


class Interruption:
    """Remembers the first signal while the context lasts; a second Ctrl-C breaks off at once."""

    HANDLED = (signal.SIGINT, signal.SIGTERM)

    def __init__(self) -> None:
        self.received: signal.Signals | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Interruption:
        for number in self.HANDLED:
            self._before[number] = signal.signal(number, self._remember)
        return self

    def __exit__(self, *exc: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _remember(self, number: int, frame: FrameType | None) -> None:
        if self.received is not None and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.received = self.received or signal.Signals(number)

    def __call__(self) -> bool:
        """Tell whether to stop."""
        return self.received is not None
