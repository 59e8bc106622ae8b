"""A chosen observer that fails is named and loses only itself: the run goes on without it, and says so at the end."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from hl_cli.compare.observer import Observer
from hl_cli.compare.record import StepRecord
from hl_cli.types import Scores

T = TypeVar("T")
FAILED = "failed"  # the only key of the state of one that has failed


class ObserverFailed(Exception):
    """What stopped an observer, and where."""


class Guarded(Observer):
    """Passes everything on until the first error.

    words: an error as one line; start: the state to go on from, which may be that of one that had failed.
    """

    def __init__(self, name: str, make: Callable[[], Observer], words: Callable[[BaseException], str], start: Any):
        self.name, self._words, self._step = name, words, 0
        self.failure: str | None = start[FAILED] if isinstance(start, dict) and set(start) == {FAILED} else None
        self.observer = Observer() if self.failure else make()

    def _try(self, call: Callable[[], T], otherwise: T) -> T:
        if self.failure:
            return otherwise
        try:
            return call()
        except Exception as error:
            where = f"at step {self._step}: " if self._step else ""
            self.failure = where + self._words(error)
            print(f"hl-run: observer {self.name} failed {self.failure}; the run goes on without it", file=sys.stderr)
            return otherwise

    def consume(self, record: StepRecord) -> None:
        """Take one step in."""
        self._step = record.step
        self._try(lambda: self.observer.consume(record), None)

    def close(self) -> None:
        """Also of one that has failed: what it wrote before stays."""
        try:
            self.observer.close()
        except Exception as error:
            self.failure = self.failure or self._words(error)

    def state_dict(self) -> Any:
        """Its own, or why there is none."""
        state = self._try(self.observer.state_dict, None)
        return {FAILED: self.failure} if self.failure else state

    def load_state_dict(self, state: Any) -> None:
        """Go on from there; raises what the observer raises."""
        if not self.failure:
            self.observer.load_state_dict(state)

    def marks(self) -> dict[str, Any]:
        """What was written."""
        return self._try(self.observer.marks, {})

    def points(self, step: int) -> Mapping[str, Scores]:
        """Its points, where the arms are those of the run."""
        return self._try(lambda: self.observer.points(step), {})

    def facts(self) -> Mapping[str, Any]:
        """What the summary says of the run."""
        return self._try(self.observer.facts, {})

    def numbers(self) -> Mapping[str, Scores]:
        """What the summary has of each arm."""
        return self._try(self.observer.numbers, {})

    def sections(self, labels: Mapping[str, str]) -> list[tuple[str, Callable[[], Any]]]:
        """Its sections; raises ObserverFailed, which names what stopped it, so that the report says so."""
        found: list[tuple[str, Callable[[], Any]]] = self._try(lambda: self.observer.sections(labels), [])
        if self.failure:
            raise ObserverFailed(self.failure)
        return found
