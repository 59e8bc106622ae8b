"""Which rank has died, or hangs: each counts in the launcher's store, and the count of such a one stands still."""

from __future__ import annotations

import contextlib
import os
import platform
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

BEAT = 0.5  # seconds
STILL = 2.5  # seconds in which a living rank's count must move, once a connection has broken
HUNG = 16  # beats of this rank's own in which another's must move, while all seems well
JOINED = 5.0  # seconds in which the thread must end
FOUND, FINDERS = "found", "finders"
LEFT = -(2**40)  # a count below zero: it has left


def home() -> str:
    """Where a process id means the same process: the host, and on Linux the namespace of ids."""
    ids = Path("/proc/self/ns/pid")
    return f"{platform.node()} {ids.readlink() if ids.is_symlink() else ''}"


class Heartbeat:
    """A thread that counts for this rank and looks at the others' counts; reasons for leaving are in the store too.

    A rank that hangs, as a stopped one does, is named on stderr and killed: the others wait within an exchange with
    it, and its death is what ends that. On another machine nobody can: there those that wait end without a report.
    keeper: the rank that keeps the store, None for the launcher. Where that rank hangs, the store says nothing more:
    a second thread looks at whether the first still gets answers.
    """

    def __init__(self, store: Any, rank: int, size: int, keeper: int | None = None) -> None:
        self._store, self._rank, self._size, self._keeper = store, rank, size, keeper
        self._asked = store.clone()
        self._stopped, self._told = threading.Event(), threading.Event()  # told: whoever waited waits no longer
        self._still = dict.fromkeys(range(size), (0, 0))  # the count of each, and for how many beats it was that
        store.set(self._where(rank), f"{os.getpid()} {home()}")
        store.add(self._key(rank), 1)
        self._answers, self._heard = 0, ""  # of the store: how many, and why somebody left, before it goes itself
        threads = [threading.Thread(target=self._run, name="heartbeat", daemon=True)]
        if keeper not in (None, rank):
            process = store.get(self._where(keeper)).decode()
            threads += [threading.Thread(target=self._watch, args=(process,), name="keeper", daemon=True)]
        self._threads = threads
        for thread in threads:
            thread.start()

    @staticmethod
    def _key(rank: int) -> str:
        return f"heartbeat/{rank}"

    @staticmethod
    def _where(rank: int) -> str:
        return f"process/{rank}"

    def _run(self) -> None:
        with contextlib.suppress(RuntimeError):  # the store has gone; whoever waits is told by its connection
            while not self._stopped.wait(BEAT):
                self._store.add(self._key(self._rank), 1)
                self._look()
                self._answers += 1
            self._store.add(self._key(self._rank), LEFT)

    def _look(self) -> None:
        """End those that have begun and not left, and whose count this rank has seen stand still for HUNG beats."""
        if not self._heard and self._store.check([FOUND]):
            self._heard = self._store.get(FOUND).decode()
        for rank, (before, beats) in self._still.items():
            count = self._store.add(self._key(rank), 0)
            beats = beats + 1 if count == before and count > 0 else 0
            self._still[rank] = count, beats
            if beats == HUNG and not self._store.check([FOUND]):  # else it is dead, and the others know
                self._end(rank)

    def _end(self, rank: int) -> None:
        process, found = self._store.get(self._where(rank)).decode(), self._silent(rank)
        self._store.compare_set(FOUND, "", found)
        self._kill(process, found, say=self._store.add(FINDERS, 1) == 1)

    @staticmethod
    def _silent(rank: int | None) -> str:
        return f"rank {rank}, which gave no sign of life for {HUNG * BEAT:.0f} s"

    def _watch(self, keeper: str) -> None:
        """End the rank that keeps the store, this process, once the store has given no answer for HUNG beats."""
        answers, beats = 0, 0
        while not self._stopped.wait(BEAT):
            beats = beats + 1 if self._answers == answers else 0
            answers = self._answers
            if beats == HUNG and self._threads[0].is_alive():  # else it has gone, and the connection told so
                self._kill(keeper, self._silent(self._keeper), say=True)
                return

    def _kill(self, which: str, found: str, say: bool) -> None:
        """End a process; one of another machine nobody can: then this one ends, if it waits on. say: what is done."""
        process, _, place = which.partition(" ")
        if say:
            print(f"hl-run: {found} (process {process}), is ended, and the run with it", file=sys.stderr, flush=True)
        if place == home():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(process), signal.SIGKILL)
        elif not self._told.wait(HUNG * BEAT):  # nobody could end it: this process waits for it, and for ever
            os._exit(1)

    def _counts(self) -> list[int]:
        return [self._asked.add(self._key(rank), 0) for rank in range(self._size)]

    def missing(self, said: str) -> str:
        """Name the ranks that count no longer; this takes STILL seconds. All ranks say what the first of them found.

        said: what an error said, which is told where all ranks live.
        """
        self._told.set()
        try:
            if self._asked.check([FOUND]):
                return self._asked.get(FOUND).decode()
            before = self._counts()
            time.sleep(STILL)
            after = self._counts()
            still = [str(rank) for rank in range(self._size) if after[rank] == before[rank]]
            found = f"the death of rank{'s' if len(still) > 1 else ''} {', '.join(still)}"
            self.leave(found if still else f"an error between ranks, all of which are alive: {said}")
            return self._asked.get(FOUND).decode()
        except RuntimeError:
            keeper = "the launcher" if self._keeper is None else f"rank {self._keeper}, which kept the store"
            return self._heard or f"the loss of {keeper}"

    def leave(self, reason: str) -> None:
        """Let the others know why the run cannot go on, if they do not yet."""
        self._asked.compare_set(FOUND, "", reason)

    def stop(self) -> bool:
        """Count no longer. True: the threads have ended. One that is in the store as Python ends aborts the process."""
        self._told.set()
        self._stopped.set()
        for thread in self._threads:
            thread.join(JOINED)
        return not any(thread.is_alive() for thread in self._threads)
