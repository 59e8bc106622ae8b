"""Streams that draw every sequence anew, without end; a set of their own is held out.

Sequences are drawn a piece at a time, each piece from a generator of (seed, its number): the count of those given is
all there is to resume, and a batch holds the sequences that batches of one would.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import torch
from torch import Tensor

from hl_cli.streams.base import Stream
from hl_cli.types import Sample, Task

HELD_OUT = 2**20  # number of the piece that is held out, far behind what a run gets to
HELD_OUT_SEQUENCES = 1000


class Drawn(Stream):
    """A subclass says ticks, features and task, and how sequences are drawn. piece: how many at a time."""

    licence = "none needed"
    piece = 64

    def __init__(
        self,
        ticks: int,
        features: int,
        task: Task,
        seed: int,
        batch_size: int,
        dtype: torch.dtype,
        device: str,
    ) -> None:
        self.ticks, self.features, self.task = ticks, features, task
        self._seed, self._batch_size, self._dtype, self._device = seed, batch_size, dtype, device
        self._given = 0
        self._number, self._piece = -1, Sample(torch.empty(0), torch.empty(0))

    def draw(self, count: int, coin: torch.Generator) -> Sample:
        """So many sequences: inputs (count, ticks, features), targets (count, targets of a sequence, ...).

        A baseline is as the targets. Real numbers are float64, on the CPU.
        """
        raise NotImplementedError

    def _drawn(self, number: int, count: int) -> Sample:
        drawn = self.draw(count, torch.Generator().manual_seed((self._seed * 2**21 + number) % 2**63))
        return _each(lambda part: part.to(self._device, self._dtype if part.is_floating_point() else part.dtype), drawn)

    def __next__(self) -> Sample:
        pieces, missing = [], self._batch_size
        while missing:
            number, place = divmod(self._given, self.piece)
            if number != self._number:
                self._number, self._piece = number, self._drawn(number, self.piece)
            here = slice(place, place + missing)
            pieces.append(_each(lambda part, here=here: part[here], self._piece))
            missing -= len(pieces[-1].inputs)
            self._given += len(pieces[-1].inputs)
        return _in_rows(_each(lambda *parts: torch.cat(parts), *pieces))

    def held_out(self) -> Sample:
        """A thousand sequences as one batch."""
        return self._held_out

    @cached_property
    def _held_out(self) -> Sample:
        return _in_rows(self._drawn(HELD_OUT, HELD_OUT_SEQUENCES))

    def state_dict(self) -> dict[str, int]:
        """How many sequences were given."""
        return {"given": self._given}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Go on after so many."""
        self._given = state["given"]


def _each(change: Callable[..., Tensor], *samples: Sample) -> Sample:
    """The sample whose parts are made of the parts of those."""
    parts = zip(*(sample[:3] for sample in samples), strict=True)
    return Sample(*(None if of[0] is None else change(*of) for of in parts))  # type: ignore[arg-type]


def _in_rows(sample: Sample) -> Sample:
    """A row a target, sequence by sequence."""
    target, baseline = (None if part is None else part.flatten(0, 1) for part in (sample.target, sample.baseline))
    return Sample(sample.inputs, target, baseline)
