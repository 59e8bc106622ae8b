"""Samples of one form, one after the other, in one tensor each for their inputs, targets and baselines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import overload

import torch
from torch import Tensor

from hl_cli.errors import BadInput
from hl_cli.types import Sample


class Samples(Sequence[Sample]):
    """A read-only sequence of n samples of one form, each of which is made when it is asked for.

    inputs: (n, batch, ticks, features); target: (n, rows) or (n, rows, size); baseline: as target, or None.
    """

    def __init__(self, inputs: Tensor, target: Tensor, baseline: Tensor | None = None) -> None:
        self.inputs, self.target, self.baseline = inputs, target, baseline

    @classmethod
    def of(cls, one: Sample) -> Samples:
        """Of a single sample, which has a target."""
        assert one.target is not None
        return cls(one.inputs[None], one.target[None], None if one.baseline is None else one.baseline[None])

    def __len__(self) -> int:
        return self.inputs.shape[0]

    @overload
    def __getitem__(self, which: int) -> Sample: ...

    @overload
    def __getitem__(self, which: slice) -> Samples: ...

    def __getitem__(self, which: int | slice) -> Sample | Samples:
        baseline = None if self.baseline is None else self.baseline[which]
        kind = Samples if isinstance(which, slice) else Sample
        return kind(self.inputs[which], self.target[which], baseline)

    def __iter__(self) -> Iterator[Sample]:
        baselines = [None] * len(self) if self.baseline is None else self.baseline.unbind()
        return (Sample(*of) for of in zip(self.inputs.unbind(), self.target.unbind(), baselines, strict=True))

    def check(self) -> None:
        """Raise BadInput where there are not as many of each."""
        parts = (self.inputs, self.target, self.baseline)
        if len({len(part) for part in parts if part is not None}) > 1:
            shapes = [None if part is None else tuple(part.shape) for part in parts]
            raise BadInput(f"samples of inputs, target and baseline {shapes}; allowed: as many of each")

    @property
    def form(self) -> list[object]:
        """How the parts of a sample lie in memory."""
        parts = (self.inputs, self.target, self.baseline)
        return [None if p is None else (p.shape[1:], p.stride()[1:], p.dtype, p.device) for p in parts]


def chained(parts: Sequence[Sequence[Sample]]) -> Sequence[Sample]:
    """One after the other: a block where all are blocks of one form, else a list."""
    if len(parts) == 1:
        return parts[0]
    blocks = [part for part in parts if isinstance(part, Samples)]
    if blocks and len(blocks) == len(parts) and all(block.form == blocks[0].form for block in blocks):
        baselines = [block.baseline for block in blocks if block.baseline is not None]
        inputs, target = torch.cat([block.inputs for block in blocks]), torch.cat([block.target for block in blocks])
        whole = Samples(inputs, target, torch.cat(baselines) if baselines else None)
        if whole.form == blocks[0].form:
            return whole
    return [sample for part in parts for sample in part]


def led_by(first: Sample, others: Sequence[Sample]) -> Sequence[Sample]:
    """A sample and those after it, likewise."""
    return chained((Samples.of(first), others)) if isinstance(others, Samples) else [first, *others]
