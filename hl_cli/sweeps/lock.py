"""Locks between the processes of a sweep. Whoever waits for one says for what, and for how long."""

from __future__ import annotations

import fcntl
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from hl_cli.reporting.own_files import open_own

TRY = 0.05  # seconds between two tries
SAY_AFTER, SAY_EVERY = 2.0, 30.0  # seconds


@contextmanager
def held(file: Path, what: str, wait: bool = True) -> Iterator[None]:
    """Hold a lock; it is given back by the system when a process dies. wait: else BlockingIOError.

    what: the lock is for. The file says which process holds it.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    with open_own(file, "a+b") as opened:
        if wait:
            _wait(opened, what)
        else:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if _holder(opened) != f"process {os.getpid()}":
            opened.truncate(0)
            opened.write(f"{os.getpid()}\n".encode())
            opened.flush()
        yield


def _wait(opened: IO[Any], what: str) -> None:
    start, said = time.monotonic(), 0.0
    while True:
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waited = time.monotonic() - start
            if waited > (said + SAY_EVERY if said else SAY_AFTER):
                said = waited
                print(f"hl-run: {waited:.0f} s of waiting for {what}, which {_holder(opened)} has", file=sys.stderr)
            time.sleep(TRY)
        else:
            break
    if said:
        print(f"hl-run: {time.monotonic() - start:.0f} s of waiting for {what} are over", file=sys.stderr)


def _holder(opened: IO[Any]) -> str:
    opened.seek(0)
    number = opened.read().decode(errors="replace").strip()
    return f"process {number}" if number.isdecimal() else "another process"
