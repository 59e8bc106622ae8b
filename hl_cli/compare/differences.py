r"""How far the weights of two learners are apart, to the bit.

    max_abs   max |a - b|          relative   |a - b|_2 / |b|_2
    mean_abs  mean |a - b|         max_ulp    largest number of floating-point numbers between a and b

a are the weights of HL, b those of PyTorch. Differences are taken in float64.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

BITS = {torch.float32: torch.int32, torch.float64: torch.int64}


@dataclass(frozen=True)
class Distance:
    """See the head of this file."""

    max_abs: float
    mean_abs: float
    relative: float
    max_ulp: int


@dataclass(frozen=True)
class TensorDistance:
    """The distance of one tensor; first_step: the first compared step at which it differs, None for never."""

    tensor: str
    shape: tuple[int, ...]
    distance: Distance
    first_step: int | None


def distance(pairs: Iterable[tuple[Tensor, Tensor]]) -> Distance:
    """Measure over all pairs together."""
    largest, absolute, squares, reference, count, ulp = 0.0, 0.0, 0.0, 0.0, 0, 0
    for a, b in pairs:
        gap = (a.double() - b.double()).abs()
        largest = max(largest, float(gap.max()))
        absolute += float(gap.sum())
        squares += float(gap.square().sum())
        reference += float(b.double().square().sum())
        count += a.numel()
        if largest > 0.0 or not torch.equal(_bits(a), _bits(b)):
            ulp = max(ulp, max_ulp(a, b))
    relative = (squares / reference) ** 0.5 if reference > 0 else float(squares > 0)
    return Distance(largest, absolute / max(count, 1), relative, ulp)


def max_ulp(a: Tensor, b: Tensor) -> int:
    """Count the floating-point steps from a to b, at the place where they are most (-0 and +0 are one apart).

    >>> max_ulp(torch.tensor([1.0]), torch.nextafter(torch.tensor([1.0]), torch.tensor([2.0])))
    1
    """
    here, there = _ordered(a), _ordered(b)
    far = (here < 0) != (there < 0)  # here the difference of two int64 may overflow
    near = (torch.where(far, 0, here) - torch.where(far, 0, there)).abs()
    steps = int(near.max())
    if bool(far.any()):
        pairs = zip(here[far].tolist(), there[far].tolist(), strict=True)
        steps = max(steps, max(abs(x - y) for x, y in pairs))
    return steps


def _bits(a: Tensor) -> Tensor:
    return a.view(BITS[a.dtype])


def _ordered(a: Tensor) -> Tensor:
    """Number the floats in their order: 0 for +0, 1 for the next above, -1 for -0, -2 for the next below."""
    bits = _bits(a).reshape(-1).long()
    lowest = torch.iinfo(BITS[a.dtype]).min
    return torch.where(bits >= 0, bits, lowest - bits - 1)


class Differences:
    """Compares two sets of live weights, step by step.

    hl, pytorch: name to tensor, same names and shapes; the tensors are read where they are, again and again.
    """

    def __init__(self, hl: dict[str, Tensor], pytorch: dict[str, Tensor]) -> None:
        if {n: w.shape for n, w in hl.items()} != {n: w.shape for n, w in pytorch.items()}:
            raise ValueError(f"the learners have other weights: {list(hl)} and {list(pytorch)}")
        self._pairs = {name: (w, pytorch[name]) for name, w in hl.items()}
        self._bits = {name: (_bits(a), _bits(b)) for name, (a, b) in self._pairs.items()}
        self.first_steps: dict[str, int] = {}
        self.steps = 0

    def compare(self, step: int) -> bool:
        """Tell whether all weights are equal bit for bit now, after this step; remember the first that were not."""
        self.steps += 1
        equal = True
        for name, (a, b) in self._bits.items():
            if not torch.equal(a, b):
                equal = False
                self.first_steps.setdefault(name, step)
        return equal

    @property
    def first_step(self) -> int | None:
        """The first compared step at which any weight differed, None while all are equal."""
        return min(self.first_steps.values(), default=None)

    def measure(self) -> Distance:
        """Distance of all weights together, now."""
        return distance(self._pairs.values())

    def by_tensor(self) -> list[TensorDistance]:
        """Distance of each tensor, now."""
        return [
            TensorDistance(name, tuple(a.shape), distance([(a, b)]), self.first_steps.get(name))
            for name, (a, b) in self._pairs.items()
        ]
