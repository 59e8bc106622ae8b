r"""A cell that shows its whole state: its tensors side by side, where it showed the first of them alone.

    h = (y, z), (batch, hidden) each     becomes     h = [y z], (batch, 2 hidden)

What a net shows is the first tensor of its state: the layer above and the head see it, and their costates come in at
it. So the map of (y, z) and its pull-back stay as they are, and whatever runs a net (splits, credit, reversing, RTRL)
needs to know nothing of it. Only the state is laid otherwise.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from hl_cli.dynamics.accumulator import GradientAccumulator
from hl_cli.dynamics.hamiltonian import Costate, State
from hl_cli.networks.blocks import Block, Pulled, Tape
from hl_cli.networks.cell import Cell, Precomputed
from hl_cli.networks.units import Lanes, Local


class WholeState(Cell):
    """State [y z], (batch, tensors * hidden), of a cell with the state (y, z)."""

    def __init__(self, cell: Cell) -> None:
        super().__init__(cell.hidden)
        self.cell, self.shows = cell, cell.tensors * cell.hidden

    def precompute(self) -> Precomputed:
        """As the cell."""
        return self.cell.precompute()

    def limit(self) -> float:
        """As the cell."""
        return self.cell.limit()

    def initial_state(self, x: Tensor) -> State:
        """Zeros."""
        return (x.new_zeros(len(x), self.shows),)

    def parted(self, h: State | Costate) -> Any:
        """[y z] as (y, z)."""
        assert h[0] is not None
        return h[0].chunk(self.cell.tensors, 1)

    def tick(self, x: Tensor, h: State, precomputed: Precomputed) -> State:
        """As the cell."""
        return joined(self.cell.tick(x, self.parted(h), precomputed))


def joined(parts: Any) -> tuple[Tensor]:
    """(y, z) as [y z]."""
    return (torch.cat(tuple(parts), 1),)


class WholeStateBlock(Block):
    """A block of such a cell; `inner` is the block of the cell in it, and the tape is its tape."""

    memory = True

    def __init__(self, cell: WholeState, inner: Block) -> None:
        super().__init__(inner.parameters)
        self.cell, self.inner = cell, inner
        self.invertible, self.separable, self.amplifies = inner.invertible, inner.separable, inner.amplifies
        self.start, self.finish = inner.start, inner.finish  # type: ignore[method-assign]

    def initial_state(self, x: Tensor) -> State:
        """Zeros."""
        return self.cell.initial_state(x)

    def candidate(self, x: Tensor, h: State) -> State:
        """As the inner block."""
        return joined(self.inner.candidate(x, self.cell.parted(h)))

    def record(self, x: Tensor, h: State, want_x: bool = True) -> tuple[State, Tape]:
        """As the inner block."""
        out, tape = self.inner.record(x, self.cell.parted(h), want_x)
        return joined(out), tape

    def inverse(self, x: Tensor, h: State) -> tuple[State, Tape]:
        """As the inner block."""
        past, tape = self.inner.inverse(x, self.cell.parted(h))
        return joined(past), tape

    def vjp(
        self, tape: Tape, z: Costate, drive: GradientAccumulator, want_x: bool = True, want_h: bool = True
    ) -> Pulled:
        """As the inner block; a costate came to every part."""
        below, past = self.inner.vjp(tape, self.cell.parted(z), drive, want_x, want_h)
        return Pulled(below, joined(past) if want_h else (None,))

    def vjp_state(self, tape: Tape, z: Costate) -> Costate:
        """That alone."""
        return joined(self.inner.vjp_state(tape, self.cell.parted(z)))


class WholeUnitsBlock(WholeStateBlock):
    """Where the inner block says the derivative of its units."""

    def local(self, tape: Tape) -> Local:
        """As the inner block."""
        return self.inner.local(tape)

    def lanes(self) -> Lanes:
        """Of units that have a number in each part."""
        return WholeLanes(self.inner.parameters, self.cell.hidden)


def whole_block(cell: WholeState, inner: Block) -> WholeStateBlock:
    """The block of such a cell."""
    kind = WholeStateBlock if type(inner).local is Block.local else WholeUnitsBlock
    return kind(cell, inner)


class WholeLanes(Lanes):
    """Lanes of units whose state numbers stand `units` apart in one tensor."""

    def by_unit(self, z: Costate) -> Costate:
        """Part by part."""
        assert z[0] is not None
        return z[0].split(self.units, 1)
