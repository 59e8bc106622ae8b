r"""What cells of our own share: what is derived of the weights once a learning period, and their place in a loop.

The weights are frozen during a sequence, so what follows from them alone (a rotation's cosines, the exponential of a
matrix) is computed at its start, not at every tick:

    d = D(theta)       h(t) = F(x, h(t-1); d, theta)       g = (dD/dtheta)^T [sum over t of (dF/dd)^T z(t)] + ...

In PyTorch a user computes d before the loop, and autograd goes through D once. A block does the same: it collects
the costates of d over the ticks and pulls them back when the period ends.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from hl_cli.dynamics.drive import Drive
from hl_cli.dynamics.hamiltonian import State
from hl_cli.networks.blocks import Block, Tape

Derived = tuple[Tensor, ...]


class Cell(nn.Module):
    """A cell called as cell(x, h), like torch.nn.RNNCell, or, with two state tensors, like torch.nn.LSTMCell.

    x: (batch, features); h: (batch, hidden) per state tensor, at rest zeros. In a loop over a sequence, call
    `derive` once before it and hand its result to every tick. elementwise: whether no unit sees another, and row r of
    every weight belongs to unit r modulo their number.
    """

    tensors = 1
    elementwise = False

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.hidden = hidden

    def derive(self) -> Derived:
        """What follows from the weights alone."""
        return ()

    def rest(self, x: Tensor) -> State:
        """h before the first tick."""
        return (x.new_zeros(x.shape[0], self.hidden),) * self.tensors

    def tick(self, x: Tensor, h: State, derived: Derived) -> State:
        """The next state."""
        raise NotImplementedError

    def forward(self, x: Tensor, h: Any = None, derived: Derived | None = None) -> Any:
        """One tick, from rest where h is None; a state of one tensor comes and goes without its tuple."""
        state = self.rest(x) if h is None else (h if isinstance(h, tuple) else (h,))
        out = self.tick(x, state, self.derive() if derived is None else derived)
        return out if self.tensors > 1 else out[0]


class CellBlock(Block):
    """A cell as a block; `pull_back` is the subclass's, and `pull_derived` and `pull_state` where anything is derived.

    derived: D(theta), as of `start`. toward: the costates of it, by its place, summed over the ticks; None for zero.
    """

    memory = True

    def __init__(self, cell: Any) -> None:
        super().__init__(list(cell.parameters()))
        self.cell = cell
        self.derived: Derived = ()
        self.toward: list[Tensor | None] = []

    def start(self) -> None:
        """Derive anew; no costate has come yet."""
        self.derived = self.cell.derive()
        self.toward = [None] * len(self.derived)

    def finish(self, drive: Drive) -> None:
        """Pull the costates of what is derived back to the weights."""
        if self.derived:
            self.pull_derived(drive)

    def add_toward(self, place: int, g: Tensor) -> None:
        """Add to a costate of what is derived; g is given away."""
        before = self.toward[place]
        if before is None:
            self.toward[place] = g
        else:
            before.add_(g)

    def came_toward(self, place: int) -> Tensor:
        """That costate, summed."""
        g = self.toward[place]
        return torch.zeros_like(self.derived[place]) if g is None else g

    def pull_derived(self, drive: Drive) -> None:
        """Add (dD/dtheta)^T toward to the drive."""
        raise NotImplementedError

    def rest(self, x: Tensor) -> State:
        """Zeros of (batch, hidden) per state tensor."""
        return self.cell.rest(x)

    def candidate(self, x: Tensor, h: State) -> State:
        """The cell's own tick."""
        return self.cell.tick(x, h, self.derived)

    def record(self, x: Tensor, h: State, want_x: bool = True) -> tuple[State, Tape]:
        """The tape is (x, *h) where the subclass says nothing else."""
        return self.candidate(x, h), (x, *h)
