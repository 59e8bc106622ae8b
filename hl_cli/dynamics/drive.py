r"""The drive of the weight costates, g = (dH/dtheta)/phi = sum over the ticks of (dF/dtheta)^T zeta.

It is summed where the integrators read it: in slots of one flat buffer.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor


class Drive:
    """A slot a parameter; the first contribution of a learning period fills the slot, later ones are added to it.

    slots: parameter to a tensor of its shape. Contributions are summed in the order in which they come.
    """

    def __init__(self, slots: Mapping[Tensor, Tensor]) -> None:
        self._slots = {id(parameter): slot for parameter, slot in slots.items()}
        self._empty: set[int] = set(self._slots)

    @classmethod
    def of(cls, *parameters: Tensor) -> Drive:
        """A drive with buffers of its own, for use without FlatWeights."""
        return cls({p: torch.zeros_like(p, requires_grad=False) for p in parameters})

    def __getitem__(self, parameter: Tensor) -> Tensor:
        return self._slots[id(parameter)]

    def start(self) -> None:
        """Begin a learning period: all slots are empty."""
        self._empty = set(self._slots)

    def finish(self) -> None:
        """End it: a slot without any contribution is zero."""
        for key in self._empty:
            self._slots[key].zero_()
        self._empty.clear()

    def add(self, parameter: Tensor, g: Tensor) -> None:
        """Add g, of the parameter's shape."""
        key = id(parameter)
        if key in self._empty:
            self._empty.discard(key)
            self._slots[key].copy_(g)
        else:
            self._slots[key].add_(g)

    def add_rows(self, parameter: Tensor, rows: Tensor) -> None:
        """Add the sum of all rows of (batch, *shape)."""
        key = id(parameter)
        if key in self._empty:
            self._empty.discard(key)
            torch.sum(rows, 0, out=self._slots[key])
        else:
            self._slots[key].add_(rows.sum(0))

    def add_product(self, parameter: Tensor, a: Tensor, b: Tensor) -> None:
        """Add the matrix product a b. It is rounded before it is added, as autograd does: addmm would not."""
        key = id(parameter)
        if key in self._empty:
            self._empty.discard(key)
            torch.mm(a, b, out=self._slots[key])
        else:
            self._slots[key].add_(torch.mm(a, b))


class _NoDrive(Drive):
    """Takes contributions and keeps none, where a costate is pulled back for its own sake."""

    def add(self, parameter: Tensor, g: Tensor) -> None:
        """Nothing."""

    def add_rows(self, parameter: Tensor, rows: Tensor) -> None:
        """Nothing, and no sum is taken."""

    def add_product(self, parameter: Tensor, a: Tensor, b: Tensor) -> None:
        """Nothing, and no product is taken."""


NO_DRIVE = _NoDrive({})
