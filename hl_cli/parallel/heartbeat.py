"""Which rank has died: each counts seconds in the launcher's store, and the dead one's count stands still."""

from __future__ import annotations

import threading
import time
from typing import Any

BEAT = 0.5  # seconds
STILL = 2.5  # seconds in which a living rank's count must move
FOUND = "found"


class Heartbeat:
    """A thread that counts for this rank. store: of this thread's own; reasons for leaving are left there too."""

    def __init__(self, store: Any, rank: int, size: int) -> None:
        self._store, self._rank, self._size = store, rank, size
        self._asked = store.clone()
        self._stopped = threading.Event()
        store.add(self._key(rank), 1)
        threading.Thread(target=self._beat, daemon=True).start()

    @staticmethod
    def _key(rank: int) -> str:
        return f"heartbeat/{rank}"

    def _beat(self) -> None:
        while not self._stopped.wait(BEAT):
            try:
                self._store.add(self._key(self._rank), 1)
            except RuntimeError:  # the launcher has gone; whoever waits for it will be told by its connection
                return

    def _counts(self) -> list[int]:
        return [self._asked.add(self._key(rank), 0) for rank in range(self._size)]

    def missing(self, said: str) -> str:
        """Name the ranks that count no longer; this takes STILL seconds. All ranks say what the first of them found.

        said: what an error said, which is told where all ranks live.
        """
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
            return "the loss of the launcher"

    def leave(self, reason: str) -> None:
        """Let the others know why the run cannot go on, if they do not yet."""
        self._asked.compare_set(FOUND, "", reason)

    def stop(self) -> None:
        """Count no longer."""
        self._stopped.set()
