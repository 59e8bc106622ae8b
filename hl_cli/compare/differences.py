r"""How far the weights of two learners are apart, to the bit.

    max_abs   max |a - b|          relative   |a - b|_2 / |b|_2
    mean_abs  mean |a - b|         max_ulp    largest number of floating-point numbers between a and b

a are the weights of an arm, b those of the reference. Differences are taken in float64.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

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
    """The distance of one tensor; first_step: the first step after which it differed, None for never."""

    tensor: str
    shape: tuple[int, ...]
    distance: Distance
    first_step: int | None


def distance(a: Tensor, b: Tensor) -> Distance:
    """Measure two tensors of the same shape and dtype.

    >>> distance(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 2.0]))
    Distance(max_abs=0.0, mean_abs=0.0, relative=0.0, max_ulp=0)
    """
    if torch.equal(_bits(a), _bits(b)):
        return Distance(0.0, 0.0, 0.0, 0)
    gap, reference = (a.double() - b.double()).abs(), float(torch.linalg.vector_norm(b.double()))
    norm = float(torch.linalg.vector_norm(gap))
    relative = norm / reference if reference > 0 else float("inf")
    return Distance(float(gap.max()), float(gap.mean()), relative, max_ulp(a, b))


def max_ulp(a: Tensor, b: Tensor) -> int:
    """Count the floating-point steps from a to b, at the place where they are most (-0 and +0 are one apart).

    >>> max_ulp(torch.tensor([1.0]), torch.nextafter(torch.tensor([1.0]), torch.tensor([2.0])))
    1
    """
    here, there = _ordered(a), _ordered(b)
    far = (here < 0) != (there < 0)  # there the difference of two int64 may overflow
    near = (torch.where(far, 0, here) - torch.where(far, 0, there)).abs()
    pairs = zip(here[far].tolist(), there[far].tolist(), strict=True)
    return max(int(near.max()), max((abs(x - y) for x, y in pairs), default=0))


def _in_memory(w: Tensor) -> list[int]:
    """The dimensions of a tensor as they lie in memory, which need not be their order: channels_last, a transpose."""
    places = list(range(w.dim()))
    return places if w.is_contiguous() else sorted(places, key=w.stride().__getitem__, reverse=True)


def _bits(a: Tensor) -> Tensor:
    return a.view(BITS[a.dtype])


def _ordered(a: Tensor) -> Tensor:
    """Number the floats in their order: 0 for +0, 1 for the next above, -1 for -0, -2 for the next below."""
    bits = _bits(a).reshape(-1).long()
    lowest = torch.iinfo(BITS[a.dtype]).min
    return torch.where(bits >= 0, bits, lowest - bits - 1)


class Differences:
    """Compares two sets of weights step by step, by snapshots: all weights of a learner in one flat tensor.

    arm, reference: live weights, name to tensor, same names and shapes; only `snapshot` reads them. learners: the
    names of the two.
    """

    def __init__(
        self, arm: dict[str, Tensor], reference: dict[str, Tensor], learners: tuple[str, str] = ("hl", "pytorch")
    ) -> None:
        if {n: w.shape for n, w in arm.items()} != {n: w.shape for n, w in reference.items()}:
            raise ValueError(f"the learners have other weights: {list(arm)} and {list(reference)}")
        self.learners = learners
        self._live: dict[str, list[Tensor]] = {name: [] for name in learners}
        for name, here in arm.items():
            order = _in_memory(here)
            for learner, w in zip(learners, (here, reference[name]), strict=True):
                if not w.permute(order).is_contiguous():
                    raise ValueError(f"weight {name} lies otherwise in memory in {learner}")
                self._live[learner].append(_bits(w).permute(order).view(-1))
        self._shapes = {name: tuple(w.shape) for name, w in arm.items()}
        self._sizes = [w.numel() for w in arm.values()]
        first = next(iter(reference.values()))
        self._dtype, self._device = first.dtype, first.device
        self.weights = sum(self._sizes)
        self.first_steps: dict[str, int] = {}
        self.last_step = 0
        self._last = (self.snapshot(learners[0]), self.snapshot(learners[1]))

    def watched(self, learner: str) -> list[Tensor]:
        """The bits of all weights of one of the two, live: what `snapshot` puts together."""
        return [bits.to(self._device) for bits in self._live[learner]]

    def snapshot(self, learner: str) -> Tensor:
        """The bits of all weights of one of the two as they are now, (weights,) of int32 or int64."""
        return torch.cat(self.watched(learner))

    def compare(self, step: int, arm: Tensor, reference: Tensor) -> bool:
        """Tell whether two snapshots of this step are equal bit for bit; remember which tensors were not."""
        self.last_step, self._last = step, (arm, reference)
        if torch.equal(arm, reference):
            return True
        if len(self.first_steps) == len(self._shapes):  # nothing is left to be remembered
            return False
        pairs = zip(self._shapes, arm.split(self._sizes), reference.split(self._sizes), strict=True)
        for name, a, b in pairs:
            if name not in self.first_steps and not torch.equal(a, b):
                self.first_steps[name] = step
        return False

    def state_dict(self) -> dict[str, Any]:
        """What was compared last, and since when tensors differ."""
        arm, reference = self._last
        last = [arm, arm if torch.equal(arm, reference) else reference]  # one tensor twice is saved once
        return {"first_steps": self.first_steps, "last_step": self.last_step, "last": last}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        arm, reference = state["last"]
        self.first_steps, self.last_step, self._last = state["first_steps"], state["last_step"], (arm, reference)

    @property
    def first_step(self) -> int | None:
        """The first compared step after which any weight differed, None while all are equal."""
        return min(self.first_steps.values(), default=None)

    def measure(self, arm: Tensor, reference: Tensor) -> Distance:
        """Distance of all weights of two snapshots together."""
        return distance(arm.view(self._dtype), reference.view(self._dtype))

    def largest_by_tensor(self, arm: Tensor, reference: Tensor) -> tuple[float, ...]:
        """max_abs of each tensor of two snapshots, in the order of `names`; 0.0 is equal bit for bit, but for -0."""
        if torch.equal(arm, reference):
            return (0.0,) * len(self._sizes)
        gap = (arm.view(self._dtype).double() - reference.view(self._dtype).double()).abs()
        return tuple(torch.stack([part.max() for part in gap.split(self._sizes)]).tolist())

    @property
    def names(self) -> list[str]:
        """The tensors, in their order."""
        return list(self._shapes)

    def by_tensor(self) -> list[TensorDistance]:
        """Distance of each tensor at `last_step`, the last step that was compared."""
        pairs = zip(self._shapes.items(), *(bits.split(self._sizes) for bits in self._last), strict=True)
        return [
            TensorDistance(name, shape, distance(a.view(self._dtype), b.view(self._dtype)), self.first_steps.get(name))
            for (name, shape), a, b in pairs
        ]
