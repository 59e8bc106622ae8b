r"""What cells of our own share: what is precomputed from the weights once a learning period, and their place in a loop.

The weights are frozen during a sequence, so what follows from them alone (a rotation's cosines, the exponential of a
matrix) is computed at its start, not at every tick:

    d = D(theta)       h(t) = F(x, h(t-1); d, theta)       g = (dD/dtheta)^T [sum over t of (dF/dd)^T z(t)] + ...

In PyTorch a user computes d before the loop, and autograd goes through D once. A block does the same: it collects
the costates of d over the ticks and pulls them back when the period ends.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from hl_cli.dynamics.accumulator import GradientAccumulator
from hl_cli.dynamics.hamiltonian import State
from hl_cli.networks.blocks import Block, Tape
from hl_cli.networks.units import Lanes

Precomputed = tuple[Tensor, ...]


class Cell(nn.Module):
    """A cell called as cell(x, h), like torch.nn.RNNCell, or, with two state tensors, like torch.nn.LSTMCell.

    x: (batch, features); h: (batch, hidden) per state tensor, at rest zeros. In a loop over a sequence, call
    `precompute` once before it and hand its result to every tick. elementwise: whether no unit sees another, and row
    r of every weight belongs to unit r modulo their number.
    """

    tensors = 1
    elementwise = False

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.hidden = hidden

    def precompute(self) -> Precomputed:
        """What follows from the weights alone."""
        return ()

    def limit(self) -> float:
        """The largest step `eps` for which a linear tick is stable, at the weights of the moment."""
        return math.inf

    def initial_state(self, x: Tensor) -> State:
        """h before the first tick."""
        return (x.new_zeros(x.shape[0], self.hidden),) * self.tensors

    def tick(self, x: Tensor, h: State, precomputed: Precomputed) -> State:
        """The next state."""
        raise NotImplementedError

    def forward(self, x: Tensor, h: Any = None, precomputed: Precomputed | None = None) -> Any:
        """One tick, from rest where h is None; a state of one tensor comes and goes without its tuple."""
        state = self.initial_state(x) if h is None else (h if isinstance(h, tuple) else (h,))
        out = self.tick(x, state, self.precompute() if precomputed is None else precomputed)
        return out if self.tensors > 1 else out[0]


class CellBlock(Block):
    """A cell as a block; `vjp` is the subclass's, `vjp_precomputed` and `vjp_state` where it precomputes.

    precomputed: D(theta), as of `start`. cotangents: its costates, by place, summed over the ticks; None for zero.
    """

    memory = True

    def __init__(self, cell: Any) -> None:
        super().__init__(list(cell.parameters()))
        self.cell = cell
        self.precomputed: Precomputed = ()
        self.cotangents: list[Tensor | None] = []

    def start(self) -> None:
        """Derive anew; no costate has come yet."""
        self.precomputed = self.cell.precompute()
        self.cotangents = [None] * len(self.precomputed)

    def finish(self, drive: GradientAccumulator) -> None:
        """Pull the costates of what was precomputed back to the weights."""
        if self.precomputed:
            self.vjp_precomputed(drive)

    def accumulate_cotangent(self, place: int, g: Tensor) -> None:
        """Add to a costate of what was precomputed; g is given away."""
        before = self.cotangents[place]
        if before is None:
            self.cotangents[place] = g
        else:
            before.add_(g)

    def cotangent_of(self, place: int) -> Tensor:
        """That costate, summed."""
        g = self.cotangents[place]
        return torch.zeros_like(self.precomputed[place]) if g is None else g

    def lanes(self) -> Lanes:
        """Row by row."""
        return Lanes(self.parameters, self.cell.hidden)

    def vjp_precomputed(self, drive: GradientAccumulator) -> None:
        """Add (dD/dtheta)^T cotangents to the drive."""
        raise NotImplementedError

    def initial_state(self, x: Tensor) -> State:
        """Zeros of (batch, hidden) per state tensor."""
        return self.cell.initial_state(x)

    def candidate(self, x: Tensor, h: State) -> State:
        """The cell's own tick."""
        return self.cell.tick(x, h, self.precomputed)

    def record(self, x: Tensor, h: State, want_x: bool = True) -> tuple[State, Tape]:
        """The tape is (x, *h) where the subclass says nothing else."""
        return self.candidate(x, h), (x, *h)
