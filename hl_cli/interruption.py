"""Ctrl-C and SIGTERM end a run after the step in hand, so that its files and report can be finished.

Under a launcher one Ctrl-C arrives twice, from the terminal and from the launcher: within ONE seconds it is one.
"""

from __future__ import annotations

import signal
import time
from types import FrameType
from typing import Any

ONE = 0.5


class Interruption:
    """Remembers the first signal while the context lasts; a second Ctrl-C breaks off at once."""

    HANDLED = (signal.SIGINT, signal.SIGTERM)

    def __init__(self) -> None:
        self.received: signal.Signals | None = None
        self._before: dict[int, Any] = {}
        self._since = 0.0

    def __enter__(self) -> Interruption:
        for number in self.HANDLED:
            self._before[number] = signal.signal(number, self._remember)
        return self

    def __exit__(self, *exc: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _remember(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if self.received is None:
            self.received, self._since = signal.Signals(number), now
        elif number == signal.SIGINT and now - self._since > ONE:
            raise KeyboardInterrupt

    def __call__(self) -> bool:
        """Tell whether to stop."""
        return self.received is not None
