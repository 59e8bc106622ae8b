"""An endless stream over a finite set of samples, given in a new order each epoch.

The order is drawn from (seed, epoch), so (epoch, position) is all there is to resume. A batch may span two epochs.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from hl_cli.streams.base import Stream
from hl_cli.streams.samples import Samples
from hl_cli.types import Sample, Task

ORDER = 3  # draws the order of the pixels; 0 to 2 draw parts, epochs and the orders of tasks


def shuffled(count: int, *key: int) -> Tensor:
    """Permute 0..count-1, always in the same way for the same key."""
    seed = 0
    for part in key:
        seed = (seed * 1_000_003 + part) % (2**63)
    return torch.randperm(count, generator=torch.Generator().manual_seed(seed))


def _batches(rows: Tensor, size: int) -> Tensor:
    """Whole batches of rows, (batches, size, ...), each of which lies as the slice does, also one of a single row."""
    first, *others = rows.stride()
    shape = (len(rows) // size, size, *rows.shape[1:])
    return rows.as_strided(shape, (size * first, first, *others), rows.storage_offset())


class Shuffled(Stream):
    """train, held_out: (samples, ticks, features) and their targets, on the run's device.

    Whole numbers, such as pixels of 0..255, are kept as they are and become dtype times `scale` when they are given.
    """

    shuffled = True

    def __init__(
        self, train: Sample, held_out: Sample, task: Task, batch_size: int, seed: int, dtype: torch.dtype, scale: float
    ) -> None:
        assert train.target is not None
        self.ticks, self.features = train.inputs.shape[1:]
        self.task, self.train_samples = task, len(train.inputs)
        self._batch_size, self._seed, self._dtype, self._scale = batch_size, seed, dtype, scale
        self._train, self._train_target, self._test = train.inputs, train.target, held_out
        self._held_out: Sample | None = None
        self._epoch, self._position = 0, 0
        self._shuffle()

    def _shuffle(self) -> None:
        """Lay the training part out in the order of this epoch, so that a batch is a slice."""
        order = shuffled(len(self._train), self._seed, 1, self._epoch).to(self._train.device)
        self._inputs, self._target = self._train[order], self._train_target[order]

    def _numbers(self, inputs: Tensor) -> Tensor:
        return inputs if inputs.is_floating_point() else inputs.to(self._dtype).mul_(self._scale)

    def __next__(self) -> Sample:
        end = self._position + self._batch_size
        if end <= len(self._target):
            here = slice(self._position, end)
            self._position = end
            return Sample(self._numbers(self._inputs[here]), self._target[here])
        inputs, target = [], []
        missing = self._batch_size
        while missing:
            if self._position == len(self._target):
                self._epoch, self._position = self._epoch + 1, 0
                self._shuffle()
            here = slice(self._position, self._position + missing)
            inputs.append(self._inputs[here])
            target.append(self._target[here])
            missing -= len(target[-1])
            self._position += len(target[-1])
        return Sample(self._numbers(torch.cat(inputs)), torch.cat(target))

    def take(self, count: int) -> Sequence[Sample]:
        """Those that are whole in what is left of this epoch."""
        here = min(count, (len(self._target) - self._position) // self._batch_size)
        if here < 2:
            return Samples.of(next(self))
        part = slice(self._position, self._position + here * self._batch_size)
        self._position = part.stop
        inputs, target = self._numbers(self._inputs[part]), self._target[part]
        return Samples(_batches(inputs, self._batch_size), _batches(target, self._batch_size))

    def held_out(self) -> Sample:
        """All held-out samples as one batch."""
        if self._held_out is None:
            self._held_out = Sample(self._numbers(self._test.inputs), self._test.target)
        return self._held_out

    def of_classes(self, classes: Tensor) -> Shuffled:
        """The same stream with the samples of these classes alone."""
        parts: list[Sample] = []
        for inputs, target in ((self._train, self._train_target), (self._test.inputs, self._test.target)):
            assert target is not None
            those = torch.isin(target, classes.to(target.device))
            parts.append(Sample(inputs[those], target[those]))
        train, test = parts
        chosen = Shuffled(train, test, self.task, self._batch_size, self._seed, self._dtype, self._scale)
        chosen.origin, chosen.licence, chosen.image = self.origin, self.licence, self.image
        chosen.files = self.files
        return chosen

    def state_dict(self) -> dict[str, int]:
        """Epoch and position in it."""
        return {"epoch": self._epoch, "position": self._position}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Go to that epoch and position."""
        self._epoch, self._position = state["epoch"], state["position"]
        self._shuffle()
