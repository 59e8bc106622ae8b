"""Where a long computation stands, part by part, so that it can be broken off after any step and gone on with.

A part is a loop of steps, such as the training of one arm. Each step depends on what the steps before it have moved and
on nothing else, so a loop that goes on from what was kept has the bits of one that was never broken off.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch


class Kept(Protocol):
    """What a loop can be put back to, such as `Descent`."""

    def state_dict(self, over: bool) -> dict[str, Any]:
        """Plain values and tensors; over: no step follows, so that what only steps need is left out."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go there."""


@dataclass(frozen=True)
class Moving:
    """All that the steps of a loop move.

    memory: tensors, numbers and lists of them, by name; the loop changes them there. generators: that it draws from.
    descent: what it learns with, if anything.
    """

    memory: dict[str, Any]
    generators: Sequence[torch.Generator] = ()
    descent: Kept | None = None

    def state_dict(self, over: bool) -> dict[str, Any]:
        """As `Kept`."""
        return {
            "memory": dict(self.memory),
            "generators": [] if over else [of.get_state() for of in self.generators],
            "descent": None if self.descent is None else self.descent.state_dict(over),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go there."""
        self.memory.update(state["memory"])
        for of, kept in zip(self.generators, state["generators"], strict=bool(state["generators"])):
            of.set_state(kept)
        if self.descent is not None:
            self.descent.load_state_dict(state["descent"])


class BrokenOff(Exception):
    """It was asked to stop; where it stands is saved."""


class Standing:
    """Parts that are done or begun, by their names.

    taken: steps of all parts so far; due: whether to save after so many steps, also told where a part is over; save:
    keep `state_dict()`; stop: whether to stop after the step in hand; tick: told how many steps were taken.
    """

    def __init__(
        self,
        due: Callable[[int, bool], bool] = lambda taken, over: False,
        save: Callable[[Standing], None] = lambda standing: None,
        stop: Callable[[], bool] = lambda: False,
    ) -> None:
        self.taken, self.tick = 0, _nobody
        self._due, self._save, self._stop = due, save, stop
        self._parts: dict[str, dict[str, Any]] = {}

    def steps(self, part: str, count: int, moving: Moving, long: bool = False) -> Iterator[int]:
        """The steps of a part that are left, numbered from 1; before the first, all that moves is where it was.

        long: a step takes so long that each is saved. Raises BrokenOff after a step where that is asked.
        """
        first = 0
        if part in self._parts:
            first = self._parts[part]["step"]
            moving.load_state_dict(self._parts[part]["state"])
            self.tick(first)
        for step in range(first + 1, count + 1):
            yield step
            self.taken += 1
            self.tick(1)
            over, stopped = step == count, self._stop()
            wanted = self._due(self.taken, over or long)
            if over or stopped or wanted:
                self._parts[part] = {"step": step, "state": moving.state_dict(over)}
            if wanted or stopped:
                self._save(self)
            if stopped:
                raise BrokenOff

    def state_dict(self) -> dict[str, Any]:
        """Plain values and tensors."""
        return {"taken": self.taken, "parts": self._parts}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go there."""
        self.taken, self._parts = state["taken"], dict(state["parts"])


def _nobody(count: int) -> object:
    """Nobody wants to know."""
    return None
