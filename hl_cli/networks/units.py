r"""What each unit of a net knows of itself: the derivative of its own states by themselves and by its own weights.

    own[l]    (K, 1, batch or 1, units)       d state_k' / d state_l      of a unit with K state numbers
    direct    (K, lanes, batch, units)        d state_k' / d weight       of the weights of this unit, in this tick

A unit with one state number has no axis K: own is ((batch or 1, units),), direct (lanes, batch, units). With units last
a tick of all traces is one call, whatever the weights. `direct` may be written anew at the same place in each tick.

The weights of a unit lie in lanes: weight after weight, and of each, column after column, the rows that belong to the
unit: row r belongs to unit r modulo their number, as PyTorch lays its gates. Where no unit sees another, `own` is the
whole derivative of the states; elsewhere it is its diagonal, by units.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from hl_cli.dynamics.accumulator import GradientAccumulator
from hl_cli.dynamics.hamiltonian import Costate, total
from hl_cli.errors import BadInput


class Local(NamedTuple):
    """The local derivative at one tick, as the head of this file has it."""

    own: tuple[Tensor, ...]
    direct: Tensor


class Lanes:
    """The places of a block's weights: by unit in lanes, and back. Raises BadInput for a weight without rows a unit.

    Traces s are as `direct`; z is by unit, (batch, units) for each state number, None for zero.
    """

    def __init__(self, parameters: Sequence[Tensor], units: int) -> None:
        self.parameters, self.units = list(parameters), units
        for p in self.parameters:
            if not p.dim() or p.shape[0] % units:
                raise BadInput(f"a weight of the shape {tuple(p.shape)} has no rows for each of {units} units")
        self._sums: Tensor | None = None  # (lanes, units), where s^T z is taken before it goes to the weights
        self._slots: dict[GradientAccumulator, list[Tensor]] = {}

    def by_unit(self, z: Costate) -> Costate:
        """Costates of the states as (batch, units) each."""
        return z

    def laid(self, weights: Sequence[Tensor]) -> Tensor:
        """Tensors of the shapes of the weights as (lanes, units)."""
        rows = (
            w.unflatten(0, (-1, self.units)).flatten(2) if w.dim() > 1 else w.view(-1, self.units, 1) for w in weights
        )
        return torch.cat([w.permute(2, 0, 1).flatten(0, 1) for w in rows])

    def slower(self, local: Local, leak: float) -> Local:
        """As h' = h + leak (F - h)."""
        own = tuple(one * leak for one in local.own)
        for k, one in enumerate(own):
            (one if len(own) == 1 else one[k]).add_(1.0 - leak)
        return Local(own, local.direct * leak)

    def step(self, local: Local, s: Tensor) -> Tensor:
        """D s + B."""
        new = local.direct
        for own, part in zip(local.own, _by_state(s, len(local.own)), strict=True):
            new = torch.addcmul(new, own, part)
        return new

    def pull(self, z: Costate, local: Local) -> Costate:
        """D^T z."""
        if len(local.own) == 1:
            return (None if z[0] is None else z[0] * local.own[0],)
        pulled: list[Tensor | None] = [None] * len(z)
        for k, one in enumerate(z):
            if one is not None:
                pulled = [total(sum_, one * own[k, 0]) for sum_, own in zip(pulled, local.own, strict=True)]
        return tuple(pulled)

    def add(self, z: Costate, s: Tensor, drive: GradientAccumulator) -> None:
        """Add s^T z to the drive of the weights."""
        if self._sums is None:
            self._sums = torch.zeros_like(s[..., 0, :] if len(z) == 1 else s[0, :, 0])
            self._row, self._parts = self._sums.unsqueeze(1), self.parts(self._sums)
        given = [(one, s if len(z) == 1 else s[k]) for k, one in enumerate(z) if one is not None]
        alone = s.shape[-2] == 1
        if alone:
            torch.mul(*given[0], out=self._row)
        rows = self._row if alone else given[0][0] * given[0][1]
        for one, part in given[1:]:
            rows.addcmul_(one, part)
        if not alone:
            torch.sum(rows, 1, out=self._sums)
        slots = self._slots.get(drive)
        if slots is None:
            slots = self._slots[drive] = self.slots(drive)
        drive.add_each(self.parameters, slots, self._parts)

    def parts(self, rows: Tensor) -> list[Tensor]:
        """Of (lanes, units) a view for each weight, of the shape of those of `slots`."""
        counts = [p.numel() // self.units for p in self.parameters]
        return [
            part.unflatten(0, (-1, len(p) // self.units))
            .permute(1, 2, 0)
            .view(len(p) // self.units, self.units, *p.shape[1:])
            for p, part in zip(self.parameters, rows.split(counts), strict=True)
        ]

    def slots(self, drive: GradientAccumulator) -> list[Tensor]:
        """Where the drive of each weight is summed, (gates, units, ..)."""
        return [drive[p].unflatten(0, (-1, self.units)) for p in self.parameters]


class ComplexLanes(Lanes):
    """Of units whose state is one complex number: own (units,) and direct (lanes, batch, units) are the *conjugates*.

    A weight has one lane a unit, or, with two rows a unit, is complex itself and has a lane a column. paired: whether
    the parts of the state and of such a weight stand side by side; else all real parts are before all imaginary ones.
    """

    def __init__(self, parameters: Sequence[Tensor], units: int, paired: bool = True) -> None:
        super().__init__(parameters, units)
        self.paired = paired

    def by_unit(self, z: Costate) -> Costate:
        """Costates as complex (batch, units); what a block shows behind its pairs is no state of theirs."""
        if self.paired:
            return (None if z[0] is None else complex_of(z[0], self.units),)
        if z[1] is None:
            return (z[0],)
        return (torch.complex(torch.zeros_like(z[1]) if z[0] is None else z[0], z[1]),)

    def parts(self, rows: Tensor) -> list[Tensor]:
        """A real weight gets Re(z s*), the two rows of a complex one the two parts of it."""
        counts = [p.numel() // len(p) for p in self.parameters]
        order = (1, 2, 0) if self.paired else (2, 1, 0)
        return [
            part.permute(order).view(*part.permute(order).shape[:2], *p.shape[1:])
            if len(p) > self.units
            else part[0, :, 0]
            for p, part in zip(self.parameters, torch.view_as_real(rows).split(counts), strict=True)
        ]

    def slots(self, drive: GradientAccumulator) -> list[Tensor]:
        """By unit and part, or by part and unit; a real weight as it is."""
        rows = (self.units, 2) if self.paired else (2, self.units)
        return [drive[p].unflatten(0, rows) if len(p) > self.units else drive[p] for p in self.parameters]


def _by_state(s: Tensor, numbers: int) -> Sequence[Tensor]:
    return (s,) if numbers == 1 else s.unbind(0)


class Sheet:
    """What a block keeps to write its `direct` into, laid anew for another batch; lay: gives it for an x like this."""

    def __init__(self, lay: Callable[[Tensor], Any]) -> None:
        self._lay, self._batch, self._laid = lay, 0, None

    def __call__(self, x: Tensor) -> Any:
        """For this batch."""
        if len(x) != self._batch:
            self._batch, self._laid = len(x), self._lay(x)
        return self._laid


def seen(x: Tensor) -> tuple[Tensor, Tensor]:
    """(x, 1), what a sum with a bias sees, as (features + 1, 1, batch, 1), and the place of x in it, like x."""
    both = x.new_ones(x.shape[1] + 1, 1, len(x), 1)
    x_in = both[:-1, 0, :, 0].t()
    x_in.copy_(x)
    return both, x_in


def complex_of(h: Tensor, units: int | None = None) -> Tensor:
    """(batch, 2 units), the parts of each side by side, to complex (batch, units); of that many, if more is behind."""
    if units is not None and h.shape[1] != 2 * units:
        h = h[:, : 2 * units].contiguous()
    return torch.view_as_complex(h.unflatten(1, (-1, 2)))


def self_weights(weight: Tensor) -> Tensor:
    """By which each unit sees itself, (gates, 1, units), of a weight (gates * units, units)."""
    return weight.unflatten(0, (-1, weight.shape[1])).diagonal(0, 1, 2).unsqueeze(1)
