r"""Oscillators: pairs that turn by learnt frequencies from a state computed of a description, and see nothing after it.

    h_0 = B d / sum |d|                    d: the first input, of n numbers; B: (2 hidden, n), fixed
    q' = c q - s p    p' = s q + c p       c = cos(step w), s = sin(step w), w ~ U(0, 1) rad/s, learnt

so that a net makes a signal of its name. What it shows is h = (q, p). B is drawn as torch.nn.Linear draws its weights,
uniform in +-n^(-1/2): the size of h_0, by which the readout learns, is then nobody's choice.

With descriptions to tell apart every one has a readout row of its own, and a new one takes the row of the nearest, in
the sum of absolute differences, of the smallest number where several are. The state carries that choice along, as R
numbers of which one is 1; it is no path for credit:

    y = (choice W) . h                     W: (R, 2 hidden)

Source: arXiv 2409.12038 (signals over time); the routing is of this file.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hl_cli.dynamics.accumulator import GradientAccumulator
from hl_cli.dynamics.hamiltonian import Costate, State
from hl_cli.networks.blocks import Block, Pulled, Tape
from hl_cli.networks.cell import Cell, CellBlock, Precomputed


def nearest(x: Tensor, descriptions: Tensor) -> Tensor:
    """The number of the description nearest to each row of x, the smallest where several are.

    Distances are taken to a millionth, so that no rounding breaks a tie.
    """
    apart = ((x[:, None].double() - descriptions.double()).abs().sum(2) * 1e6).round()
    return (apart == apart.min(1, keepdim=True).values).int().argmax(1)  # the first of the largest


class Oscillators(Cell):
    """State (batch, 2 hidden + rows): q, p, and the choice where descriptions (rows, features) are told apart.

    step: seconds a tick; frozen: the frequencies stay as drawn.
    """

    start: Tensor
    descriptions: Tensor

    def __init__(
        self, features: int, hidden: int, step: float = 0.1, frozen: bool = False, descriptions: Tensor | None = None
    ) -> None:
        super().__init__(hidden)
        self.step = step
        self.frequencies = nn.Parameter(torch.rand(hidden), requires_grad=not frozen)
        self.register_buffer("start", torch.empty(2 * hidden, features).uniform_(-1, 1) * features**-0.5)
        self.register_buffer("descriptions", torch.empty(0, features) if descriptions is None else descriptions)
        self.shows = 2 * hidden + len(self.descriptions)

    def precompute(self) -> Precomputed:
        """c and s."""
        angles = self.frequencies * self.step
        return torch.cos(angles), torch.sin(angles)

    def initial_state(self, x: Tensor) -> State:
        """h_0 of the description x, zero where it is zero, and the choice."""
        size = x.abs().sum(1, keepdim=True)
        h = (x / torch.where(size > 0, size, torch.ones_like(size))) @ self.start.t()
        if not len(self.descriptions):
            return (h,)
        rows = torch.arange(len(self.descriptions), device=x.device)
        return (torch.cat((h, (nearest(x, self.descriptions)[:, None] == rows).to(h.dtype)), 1),)

    def tick(self, x: Tensor, h: State, precomputed: Precomputed) -> State:
        """Turn; the input is not seen."""
        (c, s), (q, p, choice) = precomputed, self.parts(h[0])
        return (torch.cat((c * q - s * p, s * q + c * p, choice), 1),)

    def parts(self, h: Tensor) -> list[Tensor]:
        """q, p, choice."""
        return list(h.split((self.hidden, self.hidden, len(self.descriptions)), 1))


class OscillatorBlock(CellBlock):
    """The tape is (x, q, p). It could be undone, but is not written to be."""

    blind = True

    def __init__(self, cell: Oscillators) -> None:
        super().__init__(cell)
        self.parameters = [p for p in self.parameters if p.requires_grad]

    def record(self, x: Tensor, h: State, want_x: bool = True) -> tuple[State, Tape]:
        """As the cell ticks."""
        q, p, _ = self.cell.parts(h[0])
        return self.candidate(x, h), (x, q, p)

    def vjp(
        self, tape: Tape, z: Costate, drive: GradientAccumulator, want_x: bool = True, want_h: bool = True
    ) -> Pulled:
        """The costates turn by the transpose; what comes through p' first, as autograd does."""
        (x, q, p), (c, s) = tape, self.precomputed
        assert z[0] is not None
        z_q, z_p, z_choice = self.cell.parts(z[0])
        back = -z_q
        if self.parameters:
            self.accumulate_cotangent(0, (z_p * p).sum(0))
            self.accumulate_cotangent(1, (z_p * q).sum(0))
            self.accumulate_cotangent(1, (back * p).sum(0))
            self.accumulate_cotangent(0, (z_q * q).sum(0))
        past = torch.cat((z_p * s + z_q * c, z_p * c + back * s, z_choice), 1) if want_h else None
        return Pulled(torch.zeros_like(x) if want_x else None, (past,))

    def vjp_state(self, tape: Tape, z: Costate) -> Costate:
        """The turn alone."""
        assert z[0] is not None
        (c, s), (z_q, z_p, z_choice) = self.precomputed, self.cell.parts(z[0])
        return (torch.cat((z_p * s + z_q * c, z_p * c - z_q * s, z_choice), 1),)

    def vjp_precomputed(self, drive: GradientAccumulator) -> None:
        """dc/dw = -step sin(step w), ds/dw = step cos(step w)."""
        if self.parameters:
            (c, s), to_c, to_s = self.precomputed, self.cotangent_of(0), self.cotangent_of(1)
            drive.add(self.cell.frequencies, (to_s * c + to_c * -s) * self.cell.step)


class Rows(nn.Module):
    """The readout: what the oscillators show, (batch, 2 hidden + rows), to (batch, 1) by the row that was chosen."""

    def __init__(self, width: int, rows: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(rows, width - rows))

    def forward(self, shown: Tensor) -> Tensor:
        """y = (choice W) . h."""
        rows = len(self.weight)
        return ((shown[:, -rows:].detach() @ self.weight) * shown[:, :-rows]).sum(1, keepdim=True)


class RowsBlock(Block):
    """Rows as a block; the tape is (h, choice, row)."""

    def __init__(self, rows: Rows) -> None:
        super().__init__([rows.weight])
        self.rows = rows

    def record(self, x: Tensor, h: State, want_x: bool = True) -> tuple[State, Tape]:
        """As the module does."""
        weight = self.rows.weight
        h_, choice = x[:, : -len(weight)], x[:, -len(weight) :]
        row = choice @ weight
        return ((row * h_).sum(1, keepdim=True),), (h_, choice, row)

    def vjp(
        self, tape: Tape, z: Costate, drive: GradientAccumulator, want_x: bool = True, want_h: bool = True
    ) -> Pulled:
        """To the chosen row alone, and to h; nothing to the choice."""
        (h, choice, row), below = tape, z[0]
        assert below is not None
        drive.add_product(self.rows.weight, choice.t(), below * h)
        return Pulled(torch.cat((below * row, torch.zeros_like(choice)), 1) if want_x else None, ())
