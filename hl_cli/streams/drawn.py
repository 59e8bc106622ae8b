"""Streams that draw every sequence anew, without end; a set of their own is held out.

Sequences are drawn PIECE at a time, each piece from a generator of (seed, its number): the count of those given is all
there is to resume, and a batch holds the sequences that batches of one would.
"""

from __future__ import annotations

import torch
from torch import Tensor

from hl_cli.streams.base import Stream
from hl_cli.types import Sample, Task

PIECE = 64  # sequences
HELD_OUT = 2**20  # number of the piece that is held out, far behind what a run gets to
HELD_OUT_SEQUENCES = 1000


class Drawn(Stream):
    """A subclass says ticks, features and task, and how sequences are drawn."""

    licence = "none needed"

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
        self._held_out = self._drawn(HELD_OUT, HELD_OUT_SEQUENCES)

    def draw(self, count: int, coin: torch.Generator) -> tuple[Tensor, Tensor]:
        """Sequences (count, ticks, features) of float64, and their targets, (count, targets of a sequence)."""
        raise NotImplementedError

    def _drawn(self, number: int, count: int) -> Sample:
        inputs, target = self.draw(count, torch.Generator().manual_seed((self._seed * 2**21 + number) % 2**63))
        real = target.is_floating_point()
        place = (self._device, self._dtype) if real else (self._device,)
        return Sample(inputs.to(self._device, self._dtype), target.to(*place))

    def __next__(self) -> Sample:
        inputs, targets, missing = [], [], self._batch_size
        while missing:
            number, place = divmod(self._given, PIECE)
            if number != self._number:
                self._number, self._piece = number, self._drawn(number, PIECE)
            here = slice(place, place + missing)
            assert self._piece.target is not None
            inputs.append(self._piece.inputs[here])
            targets.append(self._piece.target[here])
            missing -= len(inputs[-1])
            self._given += len(inputs[-1])
        return self._asked(Sample(torch.cat(inputs), torch.cat(targets)))

    def _asked(self, sample: Sample) -> Sample:
        """Classes lie in one row, a value in a column."""
        assert sample.target is not None
        return sample if self.task.kind == "values" else sample._replace(target=sample.target.flatten())

    def held_out(self) -> Sample:
        """A thousand sequences as one batch."""
        return self._asked(self._held_out)

    def state_dict(self) -> dict[str, int]:
        """How many sequences were given."""
        return {"given": self._given}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Go on after so many."""
        self._given = state["given"]
