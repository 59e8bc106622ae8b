r"""Recurrent nets as a loop over cells, and PyTorch's cells of `rnn` and `gru` as HL blocks; `lstm` has a file.

With a = x W_ih^T + b_ih and b = h W_hh^T + b_hh, gate by gate:

    RNN:   F = tanh(a + b)
    GRU:   r = sig(a_r + b_r)   u = sig(a_u + b_u)   n = tanh(a_n + r b_n)   F = (h - n) u + n

The pull-backs below call the operations of autograd in autograd's order, gate by gate and with the same memory
layout: on the CPU they give its bits. Sources: the documentation of torch.nn.RNNCell and GRUCell.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from hl_cli.dynamics.accumulator import NO_GRADIENT, GradientAccumulator
from hl_cli.dynamics.hamiltonian import Costate, State, total
from hl_cli.networks.blocks import Block, Pulled, Tape, input_costate
from hl_cli.networks.cell import Cell
from hl_cli.networks.feedforward import head_of
from hl_cli.networks.two_maps import TwoMaps
from hl_cli.networks.units import Lanes, Local, self_weights

aten = torch.ops.aten

States = list[Any]  # a tensor, a tuple of them, or None, per cell


class Recurrent(nn.Module):
    """A stack of cells, ticked over a sequence, and a head on the top cell at the last tick, or at every one.

    The head is linear, or has hidden layers of tanh, as wide as `head` says.
    """

    def __init__(
        self,
        cell: Callable[..., nn.Module],
        features: int,
        hidden: int,
        layers: int,
        outputs: int,
        every: bool = False,
        head: Sequence[int] = (),
    ) -> None:
        super().__init__()
        self.every, self.features = every, features
        self.cells, shown = nn.ModuleList(), features
        for _ in range(layers):
            self.cells.append(cell(shown, hidden))
            shown = getattr(self.cells[-1], "shows", hidden)
        self.head: nn.Module = head_of(shown, head, outputs)

    def forward(self, inputs: Tensor) -> Tensor:
        """Map inputs (batch, ticks, features) to (rows, outputs)."""
        states: States = [None] * len(self.cells)
        said, ready = [], self.ready()
        for u in inputs.unbind(1):
            x, states = self.tick(u, states, ready)
            if self.every:
                said.append(self.head(x))
        return torch.stack(said, 1).flatten(0, 1) if self.every else self.head(x)

    def ready(self) -> list[Callable[..., Any]]:
        """The cells as they tick in one learning period: what follows from the weights alone is computed once."""
        return [partial(c, precomputed=c.precompute()) if isinstance(c, Cell) else c for c in self.cells]

    def tick(self, x: Tensor, states: States, ready: Sequence[Callable[..., Any]]) -> tuple[Tensor, States]:
        """What the top cell shows after one tick, for the head, and the states; None in their place: at rest."""
        new: States = []
        for cell, state in zip(ready, states, strict=True):
            new.append(cell(x, state))
            x = new[-1][0] if isinstance(new[-1], tuple) else new[-1]
        return x, new


class PyTorchCell(Block):
    """What the blocks of PyTorch's cells share: their weights, the state at rest, and the sums over gates."""

    memory = True
    tensors = 1

    def __init__(self, cell: nn.RNNCellBase) -> None:
        super().__init__([cell.weight_ih, cell.weight_hh, cell.bias_ih, cell.bias_hh])
        self.cell = cell
        self.direct = TwoMaps(len(cell.weight_ih) // cell.hidden_size, cell.hidden_size, self.tensors)

    def initial_state(self, x: Tensor) -> State:
        """Zeros of (batch, hidden) per state tensor."""
        zeros = x.new_zeros(x.shape[0], self.cell.hidden_size)
        return (zeros,) * self.tensors

    def candidate(self, x: Tensor, h: State) -> State:
        """PyTorch's own cell."""
        return (self.cell(x, h[0]),)

    def lanes(self) -> Lanes:
        """Gate by gate: those of what is seen of x, then of h."""
        c = self.cell
        return Lanes([c.weight_ih, c.bias_ih, c.weight_hh, c.bias_hh], c.hidden_size)

    def gates(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        """A and b of all gates, (batch, gates * hidden)."""
        c = self.cell
        return functional.linear(x, c.weight_ih, c.bias_ih), functional.linear(h, c.weight_hh, c.bias_hh)

    def pull_gates(
        self, x: Tensor, h: Tensor, g_ih: Tensor, g_hh: Tensor, drive: GradientAccumulator, want_x: bool, want_h: bool
    ) -> tuple[Tensor | None, Tensor | None]:
        """Costates of the gates (batch, gates * hidden) to those of x and h, and to the drive of the weights."""
        c = self.cell
        if drive is not NO_GRADIENT:
            drive.add_product(c.weight_ih, g_ih.t(), x)
            drive.add_product(c.weight_hh, g_hh.t(), h)
            drive.add_rows(c.bias_ih, g_ih)
            drive.add_rows(c.bias_hh, g_hh)
        x_costate = input_costate(g_ih, c.weight_ih, x) if want_x else None
        return x_costate, (input_costate(g_hh, c.weight_hh, h) if want_h else None)


class TanhCell(PyTorchCell):
    """torch.nn.RNNCell with tanh; the tape is (x, h, F)."""

    def record(self, x: Tensor, h: State, want_x: bool = True) -> tuple[State, Tape]:
        """F = tanh(a + b)."""
        out = self.candidate(x, h)
        return out, (x, h[0], out[0])

    def vjp(
        self, tape: Tape, z: Costate, drive: GradientAccumulator, want_x: bool = True, want_h: bool = True
    ) -> Pulled:
        """g = (1 - F^2) z goes to both linear maps."""
        x, h, f = tape
        g = aten.tanh_backward(z[0], f)
        below, past = self.pull_gates(x, h, g, g, drive, want_x, want_h)
        return Pulled(below, (past,))

    def local(self, tape: Tape) -> Local:
        """1 - F^2, and through it the weight by which a unit sees itself."""
        x, h, f = tape
        post = 1 - f * f
        return Local((post * self_weights(self.cell.weight_hh)[0],), self.direct(x, h, post, post))


class GRUCell(PyTorchCell):
    """torch.nn.GRUCell; the tape is (x, h, r, u, n, b_n, h - n)."""

    def record(self, x: Tensor, h: State, want_x: bool = True) -> tuple[State, Tape]:
        """Gates in place on their slices, as PyTorch does: elsewhere vectors would be cut at other places."""
        a, b = self.gates(x, h[0])
        (a_r, a_u, a_n), (b_r, b_u, b_n) = a.chunk(3, 1), b.chunk(3, 1)
        r, u = b_r.add_(a_r).sigmoid_(), b_u.add_(a_u).sigmoid_()
        n = (a_n + b_n * r).tanh_()
        d = h[0] - n
        return (d * u + n,), (x, h[0], r, u, n, b_n, d)

    def vjp(
        self, tape: Tape, z: Costate, drive: GradientAccumulator, want_x: bool = True, want_h: bool = True
    ) -> Pulled:
        """Both linear maps have the costates of the gates, the second those of n through r."""
        x, h, r, *_ = tape
        g_r, g_u, g_n, direct = self._pull(tape, z)
        g_ih, g_hh = torch.cat((g_r, g_u, g_n), 1), torch.cat((g_r, g_u, g_n * r), 1)
        below, past = self.pull_gates(x, h, g_ih, g_hh, drive, want_x, want_h)
        return Pulled(below, (total(direct, past) if want_h else None,))

    def vjp_state(self, tape: Tape, z: Costate) -> Costate:
        """Through the second map alone."""
        g_r, g_u, g_n, direct = self._pull(tape, z)
        return (torch.addmm(direct, torch.cat((g_r, g_u, g_n * tape[2]), 1), self.cell.weight_hh),)

    def local(self, tape: Tape) -> Local:
        """DF of a unit by its gates' sums; those of n meet h through r."""
        x, h, r, u, n, b_n, d = tape
        to_n = aten.tanh_backward(1 - u, n)
        to_r, to_u = aten.sigmoid_backward(to_n * b_n, r), aten.sigmoid_backward(d, u)
        ih, hh = torch.stack((to_r, to_u, to_n)), torch.stack((to_r, to_u, to_n * r))
        return Local((u + (hh * self_weights(self.cell.weight_hh)).sum(0),), self.direct(x, h, ih, hh))

    @staticmethod
    def _pull(tape: Tape, z: Costate) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """DF = u dh + (1 - u) dn + (h - n) du: the costates of the three gates, and what goes to h past them."""
        _, _, r, u, n, b_n, d = tape
        direct = z[0] * u
        g_n = aten.tanh_backward(cast(Tensor, z[0]) - direct, n)
        return aten.sigmoid_backward(g_n * b_n, r), aten.sigmoid_backward(z[0] * d, u), g_n, direct
