"""Ctrl-C and SIGTERM end a run after the step in hand, so that its files and report can be finished.

Under a launcher one Ctrl-C arrives twice, from the terminal and from the launcher: within ONE seconds it is one.
Where Python drops what a signal raised, as it does in a callback of the garbage collector, the signal comes again.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from threading import Timer
from types import FrameType
from typing import Any

ONE = 0.5
AGAIN = 0.01  # seconds after which a signal that was dropped comes again


def insist() -> None:
    """Let no signal be lost to `Exception ignored in`."""
    before = sys.unraisablehook

    def hook(dropped: Any) -> None:
        if not issubclass(dropped.exc_type, (KeyboardInterrupt, SystemExit)):
            before(dropped)
            return
        number = signal.SIGINT if issubclass(dropped.exc_type, KeyboardInterrupt) else signal.SIGTERM
        timer = Timer(AGAIN, os.kill, (os.getpid(), number))
        timer.daemon = True
        timer.start()

    sys.unraisablehook = hook


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
