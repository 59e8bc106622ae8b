"""A process that another one started ends with it: `kill -9` of the parent leaves nothing running.

Workers of a sweep and ranks of a run are told nothing when their parent is killed; each looks for itself.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from threading import Thread

LOOK = 0.5  # seconds between two looks
GRACE = 20.0  # seconds in which a run may write its checkpoint and its report

_watched: set[int] = set()


def end_with(parent: int, what: str) -> None:
    """From now on, end this process once the one that started it has ended. what: it is, for the line that says so.

    It ends as by SIGTERM: a run writes its checkpoint and its report; one that has not ended after GRACE is killed.
    """
    if parent not in _watched:
        _watched.add(parent)
        Thread(target=_watch, args=(parent, what), name="parentage", daemon=True).start()


def _watch(parent: int, what: str) -> None:
    while os.getppid() == parent:
        time.sleep(LOOK)
    with contextlib.suppress(OSError, ValueError):
        print(f"hl-run: process {parent}, {what}, has gone: process {os.getpid()} ends too", file=sys.stderr)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE)
    os.kill(os.getpid(), signal.SIGKILL)
