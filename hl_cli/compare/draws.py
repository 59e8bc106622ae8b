"""The same random numbers for all learners: what a net draws (dropout, noise) is no difference between two methods.

Each learner takes its turn with the generators as the first one found them. Two learners that draw alike then leave
them alike, which is told by comparing their states; a net that draws nothing leaves them as they were.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, NamedTuple, TypeVar

import numpy as np
import torch

from hl_cli.streams import chance

Turn = TypeVar("Turn")


class Drew(IntEnum):
    """What learners drew in a turn each: nothing, as much as one another, or not even that."""

    NOTHING = 0
    ALIKE = 1
    OTHERWISE = 2


@dataclass(frozen=True)
class Generator:
    """A global generator: read gives its state, write takes it, key makes it comparable."""

    name: str
    read: Callable[[], Any]
    write: Callable[[Any], Any]
    key: Callable[[Any], Any]


def _bytes(state: torch.Tensor) -> bytes:
    return state.numpy().tobytes()


TORCH = Generator("torch", torch.default_generator.get_state, torch.default_generator.set_state, _bytes)
NUMPY = Generator("numpy", np.random.get_state, np.random.set_state, lambda s: (s[1].tobytes(), *s[2:]))
PYTHON = Generator("random", random.getstate, random.setstate, lambda state: state)


def of_device(device: str | torch.device) -> list[Generator]:
    """Torch's generators for nets on this device: that of the CPU, and its own."""
    where = torch.device(device)
    if where.type != "cuda":
        return [TORCH]

    def write(state: torch.Tensor) -> None:
        torch.cuda.set_rng_state(state, where)

    return [TORCH, Generator(str(where), lambda: torch.cuda.get_rng_state(where), write, _bytes)]


class _Standing(NamedTuple):
    """Where the generators are; keys: the same, comparable."""

    states: list[Any]
    keys: list[Any]


class Draws:
    """generators: those that nets may draw from; moved: names of those that anyone ever drew from."""

    def __init__(self, generators: Sequence[Generator] = (TORCH,)) -> None:
        self.generators = list(generators)
        self.moved: set[str] = set()
        self._begin = _Standing([], [])
        self._left: dict[int, _Standing] = {}  # by each in turn

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Leave the generators as they were."""
        before = self._read()
        try:
            yield
        finally:
            self._write(before)

    def each(self, takers: Iterable[Turn], again: bool = False) -> Iterator[Turn]:
        """Let each take its turn with the generators as the first found them.

        They stay as the first that drew leaves them: a next turn then begins with other numbers. again: the same takers
        go on with the turn they had last, each from where it left them.
        """
        here = self._read()
        if not again:
            self._begin, self._left = here, {}
        for place, taker in enumerate(takers):
            there = self._left.get(place, self._begin)
            if there.keys != here.keys:
                self._write(there)
            yield taker
            here = self._left[place] = self._read()
        first = next((left for left in self._left.values() if left.keys != self._begin.keys), self._begin)
        if first.keys != here.keys:
            self._write(first)
        for left in self._left.values() if first is not self._begin else ():
            moved = zip(self.generators, left.keys, self._begin.keys, strict=True)
            self.moved |= {g.name for g, a, b in moved if a != b}

    def drew(self, takers: Sequence[str], reference: str | None) -> dict[str, Drew]:
        """What each drew in the last turns, whose takers these were, beside what the reference drew."""
        ends = dict(zip(takers, (left.keys for left in self._left.values()), strict=True))
        there = ends.pop(str(reference), None)
        if there is None or all(left.keys == self._begin.keys for left in self._left.values()):
            return {}
        return {name: Drew.ALIKE if end == there else Drew.OTHERWISE for name, end in ends.items()}

    def state_dict(self) -> dict[str, Any]:
        """The turn that may go on, in plain values and tensors."""
        with self.kept():
            return {"begin": self._kept(self._begin), "left": [self._kept(left) for left in self._left.values()]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Be in that turn."""
        with self.kept():
            self._begin = self._again(state["begin"])
            self._left = {place: self._again(left) for place, left in enumerate(state["left"])}

    def _kept(self, there: _Standing) -> dict[str, Any]:
        self._write(there)
        return chance.state_dict()

    def _again(self, state: dict[str, Any]) -> _Standing:
        chance.load_state_dict(state)
        return self._read()

    def _read(self) -> _Standing:
        states = [g.read() for g in self.generators]
        return _Standing(states, [g.key(state) for g, state in zip(self.generators, states, strict=True)])

    def _write(self, there: _Standing) -> None:
        for g, state in zip(self.generators, there.states, strict=True):
            g.write(state)
