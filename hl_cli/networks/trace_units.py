r"""Trace units: complex memories that do not see one another, spread over the circle, of which both parts are shown.

    h' = lambda h + gamma (B x + b)        lambda = r e^{iw},  r = exp(-exp(nu)),  gamma = sqrt(1 - r^2)

h = q + i p is one complex number a unit, and so are the rows of B and b; gamma keeps the size of h that of the pushes.
The net shows (q_1, p_1, q_2, p_2, ..): 2 hidden numbers. Angles are drawn from U(0, 2 pi), moduli uniformly over the
area of the ring.

    d lambda/d nu = -exp(nu) lambda    d lambda/d w = i lambda    d gamma/d nu = exp(nu) r^2 / gamma

Above one another they are linear maps of linear memories, unless an upper layer sees tanh x. With `skip` an upper layer
shows what it sees beside its own numbers, so that the head sees all layers, at the same tick.

Sources: Orvieto et al., Resurrecting Recurrent Neural Networks for Long Sequences, 2023, section 3; Elelimy et al.,
Real-Time Recurrent Learning using Trace Units in Reinforcement Learning, 2024.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from omegaconf import MISSING
from torch import Tensor, nn
from torch.nn import functional

from hl_cli.config.fields import described
from hl_cli.config.models import StateNet
from hl_cli.config.registry import choice
from hl_cli.dynamics.accumulator import GradientAccumulator
from hl_cli.dynamics.hamiltonian import Costate, State
from hl_cli.networks.blocks import Pulled, Tape, input_costate
from hl_cli.networks.cell import Cell, CellBlock, Precomputed
from hl_cli.networks.moduli import squared_moduli
from hl_cli.networks.state_nets import StateNetKind
from hl_cli.networks.units import ComplexLanes, Local, Sheet, complex_of, seen


class TraceUnits(Cell):
    """State h (batch, 2 hidden), pairs (q, p); ring: the least and the largest modulus drawn.

    squash: it sees tanh x; passes: with x itself behind its pairs, (batch, 2 hidden + features).
    """

    def __init__(
        self,
        features: int,
        hidden: int,
        ring: Sequence[float] = (0.9, 0.999),
        squash: bool = False,
        passes: bool = False,
    ) -> None:
        super().__init__(hidden)
        self.squash, self.passes = squash, passes
        self.shows = 2 * hidden + (features if passes else 0)
        self.inputs = nn.Linear(features, 2 * hidden)
        self.nu = nn.Parameter((-0.5 * squared_moduli(ring, hidden).log()).log())
        self.angles = nn.Parameter(2 * math.pi * torch.rand(hidden))

    def precompute(self) -> Precomputed:
        """lambda (complex), gamma, and what they are made of."""
        growth = self.nu.exp()
        r = (-growth).exp()
        return torch.polar(r, self.angles), (1 - r * r).sqrt(), growth, r

    def initial_state(self, x: Tensor) -> State:
        """Zeros."""
        return (x.new_zeros(len(x), self.shows),)

    def tick(self, x: Tensor, h: State, precomputed: Precomputed) -> State:
        """Turn and fade, then push."""
        factor, gamma, *_ = precomputed
        turned = factor * complex_of(h[0], self.hidden)
        return self.shown(x, turned + gamma * complex_of(self.inputs(x.tanh() if self.squash else x)))

    def shown(self, x: Tensor, h: Tensor) -> State:
        """The state of complex h."""
        return (torch.cat((real(h), x), 1) if self.passes else real(h),)


def real(h: Tensor) -> Tensor:
    """(batch, units) to its parts side by side, (batch, 2 units)."""
    return torch.view_as_real(h).flatten(1)


class TraceUnitsBlock(CellBlock):
    """The tape is (x, h, lambda h, B x + b), but for x complex."""

    separable = True

    def __init__(self, cell: TraceUnits) -> None:
        super().__init__(cell)
        self.passes, self._sheet = cell.passes, Sheet(self._lay)

    def lanes(self) -> ComplexLanes:
        """The two rows of a unit stand together."""
        return ComplexLanes(self.parameters, self.cell.hidden)

    def record(self, x: Tensor, h: State, want_x: bool = True) -> tuple[State, Tape]:
        """As the cell ticks."""
        (factor, gamma, *_), cell = self.precomputed, self.cell
        seen = x.tanh() if cell.squash else x
        past, push = complex_of(h[0], cell.hidden), complex_of(cell.inputs(seen))
        turned = factor * past
        return cell.shown(x, turned + gamma * push), (seen, past, turned, push)

    def vjp(
        self, tape: Tape, z: Costate, drive: GradientAccumulator, want_x: bool = True, want_h: bool = True
    ) -> Pulled:
        """The costates turn back and fade; those of what is passed on go on below."""
        (x, past, _, push), gamma, cell = tape, self.precomputed[1], self.cell
        assert z[0] is not None
        weight, g = cell.inputs.weight, complex_of(z[0], cell.hidden)
        self.accumulate_cotangent(0, (g * past.conj()).sum(0))
        self.accumulate_cotangent(1, (g * push.conj()).real.sum(0))
        to_sum = real(g * gamma)
        drive.add_product(weight, to_sum.t(), x)
        drive.add_rows(cell.inputs.bias, to_sum)
        below = input_costate(to_sum, weight, x) if want_x else None
        if below is not None and cell.squash:
            below = torch.ops.aten.tanh_backward(below, x)
        if below is not None and cell.passes:
            below = below + z[0][:, 2 * cell.hidden :]
        return Pulled(below, (self._past(g) if want_h else None,))

    def _past(self, g: Tensor) -> Tensor:
        """The costate of h before; what was passed on then does not count."""
        pulled = real(g * self.precomputed[0].conj())
        return functional.pad(pulled, (0, self.cell.shows - pulled.shape[1])) if self.cell.passes else pulled

    def vjp_state(self, tape: Tape, z: Costate) -> Costate:
        """That alone."""
        assert z[0] is not None
        return (self._past(complex_of(z[0], self.cell.hidden)),)

    def vjp_precomputed(self, drive: GradientAccumulator) -> None:
        """In the order of autograd: through gamma, then through lambda."""
        (factor, gamma, growth, r), g = self.precomputed, self.cotangent_of(0).conj()
        to_square = -(self.cotangent_of(1) / (2 * gamma)) * r
        to_r = to_square + to_square + (g * factor.sgn()).real
        drive.add(self.cell.nu, -(to_r * r) * growth)
        drive.add(self.cell.angles, (g * (factor * 1j)).real)

    def local(self, tape: Tape) -> Local:
        """Conjugates of exp(nu) (r^2/gamma (B x + b) - lambda h), i lambda h, gamma x, gamma: by nu, angle, B and b."""
        (x, _, turned, push), (factor, gamma, growth, r) = tape, self.precomputed
        direct, by_nu, by_angle, both, by_sum, sees, x_in = self._sheet(x)
        torch.sub((growth * r * r / gamma) * push, growth * turned, out=by_nu)
        torch.mul(turned, 1j, out=by_angle)
        both.conj_physical_()
        x_in.copy_(x)
        torch.mul(sees, gamma, out=by_sum)
        return Local((factor.conj_physical(),), direct)

    def _lay(self, x: Tensor) -> tuple[Tensor, ...]:
        """Rows of nu, of the angle, and of the sums; what these see."""
        sees, x_in = seen(x)
        direct = torch.zeros(len(sees) + 2, len(x), self.cell.hidden, dtype=x.dtype.to_complex(), device=x.device)
        return direct, direct[0], direct[1], direct[:2], direct[2:], sees[:, 0], x_in


@choice("model", "trace_units", home="trace_units")
@dataclass
class TraceUnitsConfig(StateNet):
    """Complex memories spread over the circle, both parts shown; credit=eligibility is exact."""

    name: str = described(MISSING, "name in files and titles", choices=("trace_units",))
    ring: list[float] = described([0.9, 0.999], "least and largest modulus at first, above 0 and below 1")
    squash: bool = described(False, "an upper layer sees tanh of what the one below shows")
    skip: bool = described(False, "an upper layer shows what it sees, too: the head sees all layers")


class TraceUnitsKind(StateNetKind):
    """What each layer sees and passes on."""

    def cell(self, name: str, **own: Any) -> Callable[..., nn.Module]:
        """The cell of the first layer sees its input as it is, and passes nothing on."""
        ring, squash, skip = list(own["ring"]), own["squash"], own["skip"]
        upper = iter((False,))

        def make(features: int, hidden: int) -> TraceUnits:
            above = next(upper, True)
            return TraceUnits(features, hidden, ring, squash and above, skip and above)

        return make


trace_units = TraceUnitsKind(trace_units=(TraceUnits, TraceUnitsBlock))
