r"""The drive of the weight costates, g = (dH/dtheta)/phi = sum over the ticks of (dF/dtheta)^T zeta.

It is summed where the integrators read it: in slots of one flat buffer. A weight that no graph reached has no
gradient at all, which is not a gradient of zero: it rests, as under torch.optim.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

NOBODY: frozenset[int] = frozenset()


class GradientAccumulator:
    """A slot a parameter; the first contribution of a learning period fills the slot, later ones are added to it.

    Without any contribution the drive of a parameter is zero, or it has none: where it was passed over.

    gathering: whether learning periods are summed to one another, because the weights have not moved since.
    slots: parameter to a tensor of its shape. Contributions are summed in the order in which they come.
    """

    def __init__(self, slots: Mapping[Tensor, Tensor]) -> None:
        self._slots = {id(parameter): slot for parameter, slot in slots.items()}
        self._empty: set[int] = set(self._slots)
        self._passed: set[int] = set()
        self.gathering = False

    @classmethod
    def of(cls, *parameters: Tensor) -> GradientAccumulator:
        """A drive with buffers of its own, for use without FlatWeights."""
        return cls({p: torch.zeros_like(p, requires_grad=False) for p in parameters})

    def __getitem__(self, parameter: Tensor) -> Tensor:
        return self._slots[id(parameter)]

    def start(self) -> None:
        """Begin a learning period: all slots are empty, unless this one is summed to those before."""
        if not self.gathering:
            self._empty = set(self._slots)

    def pass_over(self, parameters: Iterable[Tensor]) -> None:
        """Note that a pull-back reached none of these: unless another does, they have no gradient."""
        self._passed.update(map(id, parameters))

    def finish(self) -> frozenset[int]:
        """End it: a slot without any contribution is zero. Returns the ids of the parameters that have no gradient."""
        without = frozenset(self._empty & self._passed) if self._passed else NOBODY
        for key in self._empty:
            self._slots[key].zero_()
        self._empty.clear()
        self._passed.clear()
        return without

    def noted(self) -> tuple[frozenset[int], frozenset[int]]:
        """Ids of the parameters whose slots are empty, and of those that were passed over."""
        return frozenset(self._empty), frozenset(self._passed)

    def note(self, empty: frozenset[int], passed: frozenset[int]) -> None:
        """Be as `noted` said, after the slots were written by somebody else."""
        self._empty, self._passed = set(empty), set(passed)

    def state_dict(self) -> dict[str, Any]:
        """What has been summed so far, None where nothing was."""
        return {"sums": [None if key in self._empty else slot.clone() for key, slot in self._slots.items()]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there: the next period is summed to it."""
        self.gathering, self._empty = True, set(self._slots)
        for (key, slot), before in zip(self._slots.items(), state["sums"], strict=True):
            if before is not None:
                self._empty.discard(key)
                slot.copy_(before)

    def add(self, parameter: Tensor, g: Tensor) -> None:
        """Add g, of the parameter's shape."""
        key = id(parameter)
        if key in self._empty:
            self._empty.discard(key)
            self._slots[key].copy_(g)
        else:
            self._slots[key].add_(g)

    def add_each(self, parameters: Sequence[Tensor], slots: list[Tensor], parts: list[Tensor]) -> None:
        """Add to each parameter its part; slots: views of theirs, of the shapes of the parts."""
        keys = [id(parameter) for parameter in parameters]
        if self._empty.issuperset(keys):
            self._empty.difference_update(keys)
            torch._foreach_copy_(slots, parts)
            return
        for key in self._empty.intersection(keys):
            self._slots[key].zero_()
        self._empty.difference_update(keys)
        torch._foreach_add_(slots, parts)

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


class _NoGradient(GradientAccumulator):
    """Takes contributions and keeps none, where a costate is pulled back for its own sake."""

    def pass_over(self, parameters: Iterable[Tensor]) -> None:
        """Nothing."""

    def add(self, parameter: Tensor, g: Tensor) -> None:
        """Nothing."""

    def add_rows(self, parameter: Tensor, rows: Tensor) -> None:
        """Nothing, and no sum is taken."""

    def add_product(self, parameter: Tensor, a: Tensor, b: Tensor) -> None:
        """Nothing, and no product is taken."""


NO_GRADIENT = _NoGradient({})
