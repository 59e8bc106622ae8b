"""Ctrl-C, SIGTERM and SIGHUP end a run after the step in hand, so that its files and report can be finished.

Under a launcher one Ctrl-C arrives twice, from the terminal and from the launcher: within ONE seconds it is one.
Where Python drops what a signal raised, as it does in a callback of the garbage collector, the signal comes again.
A terminal that was closed takes no more text: what would have been said there is dropped, and the run is finished.
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import sys
import termios
import time
from threading import Timer
from types import FrameType
from typing import Any, NoReturn

ONE = 0.5
AGAIN = 0.01  # seconds after which a signal that was dropped comes again


def handled() -> list[signal.Signals]:
    """The signals that end a run. SIGHUP is not among them under nohup, which asks to go on after it."""
    kept = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    return [signal.SIGINT, signal.SIGTERM, *([] if kept else [signal.SIGHUP])]


def _number_of(raised: Any) -> int:
    """The signal that made a handler raise this."""
    if issubclass(raised.exc_type, KeyboardInterrupt):
        return signal.SIGINT
    code = getattr(raised.exc_value, "code", None)
    return code - 128 if isinstance(code, int) and code > 128 else signal.SIGTERM


def insist() -> None:
    """Let no signal be lost to `Exception ignored in`."""
    before = sys.unraisablehook

    def hook(dropped: Any) -> None:
        if not issubclass(dropped.exc_type, (KeyboardInterrupt, SystemExit)):
            before(dropped)
            return
        _again(_number_of(dropped), AGAIN)

    sys.unraisablehook = hook


def _again(number: int, delay: float) -> None:
    """Send a signal later; under load it may come before this has ended, and would then be dropped once more."""
    try:
        timer = Timer(delay, os.kill, (os.getpid(), number))
        timer.daemon = True
        timer.start()
    except (KeyboardInterrupt, SystemExit):
        _again(number, 2 * delay)


def leave_start_up() -> None:
    """Until a run has begun, SIGTERM and SIGHUP end the process with one line: there is nothing to finish."""

    def leave(number: int, frame: FrameType | None) -> None:
        for one in numbers:
            signal.signal(one, signal.SIG_IGN)  # once is enough: what follows is to come to its end
        outlive_terminal(number)
        print(f"hl-run: broken off by {signal.Signals(number).name}", file=sys.stderr)
        sys.exit(128 + number)

    numbers = [number for number in handled() if number != signal.SIGINT]
    for number in numbers:
        signal.signal(number, leave)


def exit_on_ctrl_c() -> None:
    """From here on Ctrl-C ends the process at once, with 130: it is leaving already."""
    signal.signal(signal.SIGINT, lambda number, frame: exit_at_once(130))


def exit_at_once(code: int) -> NoReturn:
    """End the process without what Python and the libraries do at their end, which may wait for others or abort."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, RuntimeError):
            stream.flush()
    os._exit(code)


def outlive_terminal(number: int) -> None:
    """After SIGHUP: let output to a terminal that has gone go nowhere, where it would raise an error."""
    if number != signal.SIGHUP:
        return
    for file in (1, 2):
        try:
            termios.tcgetattr(file)
        except termios.error as error:
            if error.args[0] in (errno.EIO, errno.ENXIO):
                os.dup2(os.open(os.devnull, os.O_WRONLY), file)


class Interruption:
    """Remembers the first signal while the context lasts; a second Ctrl-C breaks off at once."""

    def __init__(self) -> None:
        self.received: signal.Signals | None = None
        self._before: dict[int, Any] = {}
        self._since = 0.0

    def __enter__(self) -> Interruption:
        for number in handled():
            self._before[number] = signal.signal(number, self._remember)
        return self

    def __exit__(self, *exc: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _remember(self, number: int, frame: FrameType | None) -> None:
        outlive_terminal(number)
        now = time.monotonic()
        if self.received is None:
            self.received, self._since = signal.Signals(number), now
        elif number == signal.SIGINT and now - self._since > ONE:
            raise KeyboardInterrupt

    def __call__(self) -> bool:
        """Tell whether to stop."""
        return self.received is not None
