"""How many steps are taken before somebody is asked whether to stop: as many as take SOON seconds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

SOON = 0.1  # seconds
GROWTH = 2  # a few steps that cost little say nothing of a thousand


class Pace:
    """steps: how many come next, of all arms together; one at first, as a first step may compile for long."""

    def __init__(self) -> None:
        self.steps = 1

    @contextmanager
    def timed(self, count: int) -> Iterator[None]:
        """So many steps are taken inside; what they cost says how many come next."""
        begin = perf_counter()
        yield
        seconds = perf_counter() - begin
        most = GROWTH * self.steps
        self.steps = max(1, int(SOON * count / seconds)) if seconds * most > SOON * count else most
