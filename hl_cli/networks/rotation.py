r"""Rotation: pairs (q, p) that turn by an angle of their own at every tick, and are pushed by the input.

    q' = c q - s p + gain (B_q x + b_q)        c = damping cos(w)        w: angles, learnt, rad/tick, one a pair,
    p' = s q + c p + gain (B_p x + b_p)        s = damping sin(w)           drawn from U(0, 1)

Each pair is a harmonic oscillator, integrated exactly: with damping 1 (the default) the map of the state is
orthogonal and neither states nor costates grow or fade, whatever the weights. As nothing fades, pushes add up over
the ticks; gain, a constant, keeps states and gradients small enough to learn from. The inverse turns back,

    q = (c dq + s dp) / (c^2 + s^2)            dq = q' - gain (B_q x + b_q)
    p = (c dp - s dq) / (c^2 + s^2)            dp = p' - gain (B_p x + b_p)

which amplifies rounding by 1/damping a tick. The net shows q: the real part of a diagonal complex recurrence.
Source: Orvieto et al., Resurrecting Recurrent Neural Networks for Long Sequences, 2023, section 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from omegaconf import MISSING
from torch import Tensor, nn

from hl_cli.config.fields import described
from hl_cli.config.models import StateNet
from hl_cli.config.registry import choice
from hl_cli.dynamics.accumulator import GradientAccumulator
from hl_cli.dynamics.hamiltonian import Costate, State
from hl_cli.networks.blocks import Pulled, Tape, input_costate
from hl_cli.networks.cell import Cell, CellBlock, Precomputed
from hl_cli.networks.state_nets import StateNetKind
from hl_cli.networks.units import ComplexLanes, Local, Sheet


class Rotation(Cell):
    """State (q, p), (batch, hidden) each: hidden pairs; damping: a factor a tick, in (0, 1]; gain: of the push."""

    tensors = 2
    elementwise = True

    def __init__(self, features: int, hidden: int, damping: float = 1.0, gain: float = 0.3) -> None:
        super().__init__(hidden)
        self.damping, self.gain = damping, gain
        self.inputs = nn.Linear(features, 2 * hidden)
        self.angles = nn.Parameter(torch.rand(hidden))

    def precompute(self) -> Precomputed:
        """c and s, cos w and sin w."""
        cos, sin = torch.cos(self.angles), torch.sin(self.angles)
        return self.damping * cos, self.damping * sin, cos, sin

    def tick(self, x: Tensor, h: State, precomputed: Precomputed) -> State:
        """Turn, then push."""
        (q, p), (c, s, *_) = h, precomputed
        push_q, push_p = (self.inputs(x) * self.gain).chunk(2, 1)
        return c * q - s * p + push_q, s * q + c * p + push_p


class RotationBlock(CellBlock):
    """The tape is (x, q, p); own: weights that a pair has alone."""

    invertible = separable = True
    own = 1

    def __init__(self, cell: Rotation) -> None:
        super().__init__(cell)
        self.amplifies = 1.0 / cell.damping
        self._sheet = Sheet(self._lay)

    def vjp(
        self, tape: Tape, z: Costate, drive: GradientAccumulator, want_x: bool = True, want_h: bool = True
    ) -> Pulled:
        """The costates turn by the transpose; what comes through p' first, as autograd does."""
        x, q, p = tape
        weight, bias = self.cell.inputs.weight, self.cell.inputs.bias
        z_q = torch.zeros_like(q) if z[0] is None else z[0]
        z_p = z[1]
        if z_p is not None:
            self.accumulate_cotangent(0, (z_p * p).sum(0))
            self.accumulate_cotangent(1, (z_p * q).sum(0))
        back = -z_q
        self.accumulate_cotangent(1, (back * p).sum(0))
        self.accumulate_cotangent(0, (z_q * q).sum(0))
        g = torch.cat((z_q, torch.zeros_like(z_q) if z_p is None else z_p), 1) * self.cell.gain
        drive.add_product(weight, g.t(), x)
        drive.add_rows(bias, g)
        below = input_costate(g, weight, x) if want_x else None
        return Pulled(below, self._turned_back(z_q, z_p, back) if want_h else (None, None))

    def _turned_back(self, z_q: Tensor, z_p: Tensor | None, back: Tensor) -> Costate:
        """The costates of q and p; back: -z_q."""
        c, s, *_ = self.precomputed
        if z_p is None:
            return z_q * c, back * s
        return z_p * s + z_q * c, z_p * c + back * s

    def vjp_state(self, tape: Tape, z: Costate) -> Costate:
        """That alone."""
        (c, s, *_), (z_q, z_p) = self.precomputed, z
        z_q = torch.zeros_like(tape[1]) if z_q is None else z_q
        if z_p is None:
            return z_q * c, -z_q * s
        return torch.addcmul(z_q * c, z_p, s), torch.addcmul(z_p * c, z_q, s, value=-1)

    def local(self, tape: Tape) -> Local:
        """The turn itself; the push moves q by the first half of the sums, p by the second. All as conjugates."""
        (x, q, p), (c, s, *_) = tape, self.precomputed
        direct, rows, x_in = self._sheet(x)
        turn = torch.complex(c, -s)
        self.by_own(turn * torch.complex(q, -p), rows)
        x_in.copy_(x * self.cell.gain)
        return Local((turn,), direct)

    def by_own(self, turned: Tensor, rows: Sequence[Tensor]) -> None:
        """The conjugate of d(q' + i p')/d weight, of each weight that a pair has alone: its angle; turned: q - i p."""
        torch.mul(turned, -1j, out=rows[0])

    def lanes(self) -> ComplexLanes:
        """Of pairs as complex numbers q + i p."""
        return ComplexLanes(self.parameters, self.cell.hidden, paired=False)

    def _lay(self, x: Tensor) -> tuple[Any, ...]:
        """Rows of the pairs' own weights, of x, and of the bias, which are the gain for ever."""
        ticks = x.shape[1] + 1
        direct = x.new_full((self.own + ticks, len(x), self.cell.hidden), self.cell.gain).to(x.dtype.to_complex())
        return direct, direct[: self.own].unbind(0), direct[self.own : -1].permute(2, 1, 0)

    def vjp_precomputed(self, drive: GradientAccumulator) -> None:
        """dc/dw = -damping sin(w), ds/dw = damping cos(w)."""
        (_, _, cos, sin), damping = self.precomputed, self.cell.damping
        drive.add(self.cell.angles, self.cotangent_of(1) * damping * cos + self.cotangent_of(0) * damping * -sin)

    def inverse(self, x: Tensor, h: State) -> tuple[State, Tape]:
        """Pull, then turn back."""
        c, s, *_ = self.precomputed
        square = c * c + s * s  # damping^2 but for the rounding of c and s, which would be the same at every tick
        c, s = c / square, s / square
        push_q, push_p = (self.cell.inputs(x) * self.cell.gain).chunk(2, 1)
        q, p = h[0] - push_q, h[1] - push_p
        before = c * q + s * p, c * p - s * q
        return before, (x, *before)


@choice("model", "rotation", home="rotation", invertible=True)
@dataclass
class RotationConfig(StateNet):
    """Pairs that turn by learnt angles: h' = R(angles) h + gain (B x + b)."""

    name: str = described(MISSING, "name in files and titles", choices=("rotation",))
    damping: float = described(1.0, "factor of the state at every tick; 1: none", above=0, most=1)
    gain: float = described(0.3, "factor of the push by the input", above=0)


rotation = StateNetKind(rotation=(Rotation, RotationBlock))
