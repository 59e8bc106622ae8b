"""What stops a learner whose neuron costates grow without bound."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import reduce

import torch
from torch import Tensor

from hl_cli.errors import Unbounded

BOUND = 1e6  # largest zeta by the largest dL/dh so far: who remembers so many ticks remembers none


class CostateBound:
    """most: |dL/dh| so far, (), of the type of costates, carried on from tick to tick; None before the first."""

    def __init__(self) -> None:
        self.most: Tensor | None = None
        self._constants: tuple[Tensor, Tensor] | None = None  # as tensors of one type: others are converted each time

    def check(self, zetas: Sequence[Tensor], given: Tensor | None) -> None:
        """Raise Unbounded where a costate has outgrown BOUND times all that the loss ever gave; given: dL/dh now.

        One number is read where there are costates, the largest of them: infinity where it is too large, so that what
        runs without Python stops there, too.
        """
        if given is not None:
            size = _size(given)
            self.most = torch.maximum(self._begun(size), size)
        if zetas:
            size = reduce(torch.maximum, map(_size, zetas))
            if self._constants is None:
                self._constants = torch.full_like(size, BOUND), torch.full_like(size, math.inf)
            bound, infinity = self._constants
            if torch.where(size > bound * self._begun(size), infinity, size).item() == math.inf:
                raise Unbounded("neuron costate")

    @property
    def largest(self) -> float | None:
        """|dL/dh| so far, as a number; None before the first."""
        return None if self.most is None else self.most.item()

    def set(self, largest: float | None, like: Sequence[Tensor] = ()) -> None:
        """Go on from there, on the device of these."""
        if largest is None:
            self.most = None
            return
        if self.most is None:
            self.most = next(iter(like), torch.zeros(())).real.new_zeros(())
        self.most.fill_(largest)

    def _begun(self, like: Tensor) -> Tensor:
        if self.most is None:
            self.most = like.new_zeros(())
        return self.most


def _size(z: Tensor) -> Tensor:
    """The largest modulus; one call, for it is asked at every tick."""
    found: Tensor = torch.linalg.vector_norm(z, math.inf)
    return found
