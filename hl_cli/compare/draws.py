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
from typing import Any, TypeVar

import numpy as np
import torch

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


class Draws:
    """generators: those that nets may draw from; moved: names of those that anyone ever drew from."""

    def __init__(self, generators: Sequence[Generator] = (TORCH,)) -> None:
        self.generators = list(generators)
        self.moved: set[str] = set()
        self._begin: list[Any] = []
        self._ends: list[list[Any]] = []

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Leave the generators as they were."""
        before = [g.read() for g in self.generators]
        try:
            yield
        finally:
            self._write(before)

    def each(self, takers: Iterable[Turn]) -> Iterator[Turn]:
        """Let each take its turn with the generators as the first found them.

        They stay as the first that drew leaves them: a next turn then begins with other numbers.
        """
        states = [[g.read() for g in self.generators]]
        keys = [self._keys(states[0])]
        for taker in takers:
            if keys[-1] != keys[0]:
                self._write(states[0])
            yield taker
            states.append([g.read() for g in self.generators])
            keys.append(self._keys(states[-1]))
        self._begin, self._ends = keys[0], keys[1:]
        drew = next((k for k, key in enumerate(keys) if key != keys[0]), 0)
        if keys[drew] != keys[-1]:
            self._write(states[drew])
        for key in self._ends if drew else ():
            self.moved |= {g.name for g, a, b in zip(self.generators, key, keys[0], strict=True) if a != b}

    def drew(self, takers: Sequence[str], reference: str | None) -> dict[str, Drew]:
        """What each drew in the last turns, whose takers these were, beside what the reference drew."""
        ends = dict(zip(takers, self._ends, strict=True))
        there = ends.pop(str(reference), None)
        if there is None or all(end == self._begin for end in self._ends):
            return {}
        return {name: Drew.ALIKE if end == there else Drew.OTHERWISE for name, end in ends.items()}

    def _keys(self, states: list[Any]) -> list[Any]:
        return [g.key(state) for g, state in zip(self.generators, states, strict=True)]

    def _write(self, states: list[Any]) -> None:
        for g, state in zip(self.generators, states, strict=True):
            g.write(state)
