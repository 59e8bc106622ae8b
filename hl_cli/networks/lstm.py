r"""Long short-term memory: PyTorch's cell as an HL block, and a cell whose units do not see one another.

    i, f, o = sig(s_i), sig(s_f), sig(s_o)   k = tanh(s_k)   c' = f c + i k   F = (o tanh(c'), c')

    lstm                s = W_ih x + b_ih + W_hh h + b_hh
    elementwise_lstm    s = W x + b + w h         w h: each of the four gates sees its own unit's h, by one weight

Of the second, the exact gradient over time is cheap to carry forward (hl_cli.networks.sensitivity). The pull-backs call
the operations of autograd in autograd's order, gate by gate: on the CPU they give its bits.
Sources: the documentation of torch.nn.LSTMCell; Mozer, A Focused Backpropagation Algorithm for Temporal Pattern
Recognition, 1989; Irie et al., Exploring the Promise and Limits of Real-Time Recurrent Learning, 2023.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import torch
from omegaconf import MISSING
from torch import Tensor, nn

from hl_cli.config.fields import described
from hl_cli.config.models import StateNet
from hl_cli.config.registry import choice
from hl_cli.dynamics.accumulator import GradientAccumulator
from hl_cli.dynamics.hamiltonian import Costate, State, total
from hl_cli.networks.blocks import Pulled, Tape, input_costate
from hl_cli.networks.cell import Cell, CellBlock, Precomputed
from hl_cli.networks.recurrent import PyTorchCell
from hl_cli.networks.state_nets import StateNetKind
from hl_cli.networks.units import Local, Sheet, seen, self_weights

aten = torch.ops.aten


def _tick(s: Tensor, c: Tensor) -> tuple[State, tuple[Tensor, ...]]:
    """From the sums of the gates (batch, 4 hidden) and the cell to (h', c'), and what _pull needs."""
    i, f, k, o = s.chunk(4, 1)
    i, f, k, o = i.sigmoid(), f.sigmoid(), k.tanh(), o.sigmoid()
    new = f * c + i * k
    tanh_c = new.tanh()
    return (o * tanh_c, new), (c, i, f, k, o, tanh_c)


def _pull(kept: tuple[Tensor, ...], z: Costate) -> tuple[Tensor, Tensor]:
    """The costates of the gates' sums and of c, from z = (z_h, z_c): what z_h gives to c' joins z_c."""
    c, i, f, k, o, tanh_c = kept
    z_h, z_c = z
    if z_h is None:  # nothing reads h at this tick
        z_h = torch.zeros_like(tanh_c)
    g_c = cast(Tensor, total(z_c, aten.tanh_backward(z_h * o, tanh_c)))
    gates = (
        aten.sigmoid_backward(g_c * k, i),
        aten.sigmoid_backward(g_c * c, f),
        aten.tanh_backward(g_c * i, k),
        aten.sigmoid_backward(z_h * tanh_c, o),
    )
    return torch.cat(gates, 1), g_c * f


class _Gates:
    """d(h', c') of each unit by the sums of its gates, `post` (2, 4, batch, units), and by its (h, c)."""

    def __init__(self, like: Tensor, hidden: int) -> None:
        self.post = like.new_zeros(2, 4, len(like), hidden)
        self._to_c, self._through_c, self._to_o = self.post[1].unbind(0), self.post[:, :3].unbind(0), self.post[0, 3]
        self._one = like.new_ones(2, 1, len(like), hidden)  # d(h', c')/dc', of which the second is 1 for ever
        self._shown = self._one[0, 0]
        self.outer = self.post.unsqueeze(1)

    def __call__(self, kept: tuple[Tensor, ...], own: Tensor) -> tuple[Tensor, Tensor]:
        """By h and by c, (2, 1, batch, units) each; own: by which its gates see h, (4, 1, units)."""
        c, i, f, k, o, tanh_c = kept
        to_i, to_f, to_k, _ = self._to_c
        aten.sigmoid_backward.grad_input(k, i, grad_input=to_i)
        aten.sigmoid_backward.grad_input(c, f, grad_input=to_f)
        aten.tanh_backward.grad_input(i, k, grad_input=to_k)
        aten.tanh_backward.grad_input(o, tanh_c, grad_input=self._shown)
        torch.mul(self._through_c[1], self._shown, out=self._through_c[0])
        aten.sigmoid_backward.grad_input(tanh_c, o, grad_input=self._to_o)
        return (self.post * own).sum(1, keepdim=True), self._one * f


class LSTMCell(PyTorchCell):
    """torch.nn.LSTMCell, state (h, c); the tape is (x, h, what the gates kept)."""

    tensors = 2

    def __init__(self, cell: nn.RNNCellBase) -> None:
        super().__init__(cell)
        self._gates = Sheet(partial(_Gates, hidden=cell.hidden_size))

    def candidate(self, x: Tensor, h: State) -> State:
        """PyTorch's own cell, without the checks of its module."""
        return torch.lstm_cell(x, h, *self.parameters)

    def record(self, x: Tensor, h: State, want_x: bool = True) -> tuple[State, Tape]:
        """The four gates, the new cell and its tanh."""
        a, b = self.gates(x, h[0])
        out, kept = _tick(a + b, h[1])
        return out, (x, h[0], kept)

    def vjp(
        self, tape: Tape, z: Costate, drive: GradientAccumulator, want_x: bool = True, want_h: bool = True
    ) -> Pulled:
        """Both linear maps have the costates of the gates."""
        x, h, kept = tape
        g, z_c = _pull(kept, z)
        below, past = self.pull_gates(x, h, g, g, drive, want_x, want_h)
        return Pulled(below, (past, z_c if want_h else None))

    def local(self, tape: Tape) -> Local:
        """Of each unit what it sees of itself."""
        x, h, kept = tape
        gates = self._gates(x)
        own = gates(kept, self_weights(self.cell.weight_hh))
        return Local(own, self.direct(x, h, gates.outer, gates.outer))


class ElementwiseLSTM(Cell):
    """State (h, c), (batch, hidden) each; a row of the weights is a gate of a unit, in the order i, f, k, o."""

    tensors = 2
    elementwise = True

    def __init__(self, features: int, hidden: int) -> None:
        super().__init__(hidden)
        self.inputs = nn.Linear(features, 4 * hidden)
        self.own = nn.Parameter(2.0 * torch.rand(4 * hidden) - 1.0)

    def sums(self, x: Tensor, h: Tensor) -> Tensor:
        """W x + b + w h, (batch, 4 hidden)."""
        return self.inputs(x) + (h.unsqueeze(1) * self.own.view(4, -1)).flatten(1)

    def tick(self, x: Tensor, h: State, precomputed: Precomputed) -> State:
        """The next (h, c)."""
        return _tick(self.sums(x, h[0]), h[1])[0]


class ElementwiseLSTMBlock(CellBlock):
    """The tape is (x, h, what the gates kept)."""

    separable = True

    def __init__(self, cell: ElementwiseLSTM) -> None:
        super().__init__(cell)
        self._sheet = Sheet(self._lay)

    def record(self, x: Tensor, h: State, want_x: bool = True) -> tuple[State, Tape]:
        """As the cell, and what the gates keep."""
        out, kept = _tick(self.cell.sums(x, h[0]), h[1])
        return out, (x, h[0], kept)

    def vjp(
        self, tape: Tape, z: Costate, drive: GradientAccumulator, want_x: bool = True, want_h: bool = True
    ) -> Pulled:
        """Each unit's h has the costates of its own four gates."""
        x, h, kept = tape
        g, z_c = _pull(kept, z)
        by_gate = g.unflatten(1, (4, -1))
        drive.add_rows(self.cell.own, (by_gate * h.unsqueeze(1)).flatten(1))
        drive.add_product(self.cell.inputs.weight, g.t(), x)
        drive.add_rows(self.cell.inputs.bias, g)
        past = (by_gate * self.cell.own.view(4, -1)).sum(1) if want_h else None
        return Pulled(input_costate(g, self.cell.inputs.weight, x) if want_x else None, (past, z_c if want_h else None))

    def local(self, tape: Tape) -> Local:
        """Of each unit, all of it."""
        x, h, kept = tape
        direct, by_own, by_sum, gates, sees, x_in = self._sheet(x)
        own = gates(kept, self.cell.own.view(4, 1, -1))
        x_in.copy_(x)
        torch.mul(gates.post, h, out=by_own)
        torch.mul(sees, gates.outer, out=by_sum)
        return Local(own, direct)

    def _lay(self, x: Tensor) -> tuple[Any, ...]:
        """Rows of the weights by which gates see their unit, then of the sums; the gates; what the sums see."""
        (sees, x_in), hidden = seen(x), self.cell.hidden
        direct = x.new_zeros(2, 4 + 4 * len(sees), len(x), hidden)
        return direct, direct[:, :4], direct[:, 4:].unflatten(1, (-1, 4)), _Gates(x, hidden), sees, x_in


@choice("model", "elementwise_lstm", home="elementwise_lstm")
@dataclass
class ElementwiseLSTMConfig(StateNet):
    """LSTM units that do not see one another: each gate sees the input and its own unit."""

    name: str = described(MISSING, "name in files and titles", choices=("elementwise_lstm",))


elementwise_lstm = StateNetKind(elementwise_lstm=(ElementwiseLSTM, ElementwiseLSTMBlock))
