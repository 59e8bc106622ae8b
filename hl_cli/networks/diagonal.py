r"""Diagonal: every neuron remembers itself alone, by a factor that is learnt. Real, or complex as pairs of neurons.

    real       h' = lambda h + B x + b            lambda = exp(-exp(nu)), one a neuron, in (0, 1)
    complex    as a rotation (hl_cli.networks.rotation) whose damping is learnt: lambda = r e^{iw}, r = exp(-exp(nu))

    d lambda/d nu = -exp(nu) lambda

so that neither states nor costates can grow, whatever the weights. The moduli are drawn so that the numbers lambda
are uniform over a ring from 0.9 to 0.999. To undo a tick would divide by lambda
and amplify rounding, so they do not count as invertible.
Source: Orvieto et al., Resurrecting Recurrent Neural Networks for Long Sequences, 2023, section 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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
from hl_cli.networks.rotation import Rotation, RotationBlock
from hl_cli.networks.state_nets import StateNetKind
from hl_cli.networks.units import Local, Sheet

RING = (0.9, 0.999)


def drawn(count: int) -> nn.Parameter:
    """The nu of moduli drawn from the ring."""
    low, high = (edge**2 for edge in RING)
    modulus = (low + (high - low) * torch.rand(count)).sqrt()
    return nn.Parameter(torch.log(-torch.log(modulus)))


class Diagonal(Cell):
    """State h (batch, hidden)."""

    elementwise = True

    def __init__(self, features: int, hidden: int) -> None:
        super().__init__(hidden)
        self.inputs = nn.Linear(features, hidden)
        self.nu = drawn(hidden)

    def precompute(self) -> Precomputed:
        """Lambda, and exp(nu)."""
        growth = torch.exp(self.nu)
        return torch.exp(-growth), growth

    def tick(self, x: Tensor, h: State, precomputed: Precomputed) -> State:
        """Fade, then push."""
        return (precomputed[0] * h[0] + self.inputs(x),)


class DiagonalBlock(CellBlock):
    """The tape is (x, h)."""

    separable = True

    def __init__(self, cell: Diagonal) -> None:
        super().__init__(cell)
        self._sheet = Sheet(self._lay)

    def vjp(
        self, tape: Tape, z: Costate, drive: GradientAccumulator, want_x: bool = True, want_h: bool = True
    ) -> Pulled:
        """The costate fades by the same factors."""
        (x, h), (factor, _), g = tape, self.precomputed, z[0]
        assert g is not None
        weight, bias = self.cell.inputs.weight, self.cell.inputs.bias
        self.accumulate_cotangent(0, (g * h).sum(0))
        drive.add_product(weight, g.t(), x)
        drive.add_rows(bias, g)
        return Pulled(input_costate(g, weight, x) if want_x else None, (g * factor if want_h else None,))

    def vjp_state(self, tape: Tape, z: Costate) -> Costate:
        """That alone."""
        assert z[0] is not None
        return (z[0] * self.precomputed[0],)

    def local(self, tape: Tape) -> Local:
        """d h'/d(h, nu, B, b) = (lambda, -exp(nu) lambda h, x, 1)."""
        (x, h), (factor, growth) = tape, self.precomputed
        direct, by_nu, x_in = self._sheet(x)
        torch.mul((growth * factor).neg_(), h, out=by_nu)
        x_in.copy_(x)
        return Local((factor,), direct)

    def _lay(self, x: Tensor) -> tuple[Tensor, ...]:
        """Rows of nu, of x, and of the bias, which are 1 for ever."""
        direct = x.new_ones(x.shape[1] + 2, len(x), self.cell.hidden)
        return direct, direct[0], direct[1:-1].permute(2, 1, 0)

    def vjp_precomputed(self, drive: GradientAccumulator) -> None:
        """d lambda/d nu, in the order of autograd."""
        factor, growth = self.precomputed
        drive.add(self.cell.nu, -(self.cotangent_of(0) * factor) * growth)


class ComplexDiagonal(Rotation):
    """State (q, p), (batch, hidden) each: a rotation whose damping is learnt."""

    def __init__(self, features: int, hidden: int) -> None:
        super().__init__(features, hidden)
        self.nu = drawn(hidden)

    def precompute(self) -> Precomputed:
        """r cos w and r sin w, and what they are made of."""
        growth, cos, sin = torch.exp(self.nu), torch.cos(self.angles), torch.sin(self.angles)
        r = torch.exp(-growth)
        return r * cos, r * sin, cos, sin, r, growth


class ComplexDiagonalBlock(RotationBlock):
    """As a rotation, and through r to nu."""

    invertible = False
    own = 2

    def by_own(self, turned: Tensor, rows: Sequence[Tensor]) -> None:
        """By the angle, and by nu."""
        super().by_own(turned, rows)
        torch.mul(turned, -self.precomputed[-1], out=rows[1])

    def vjp_precomputed(self, drive: GradientAccumulator) -> None:
        """In the order of autograd: through s, then through c."""
        (_, _, cos, sin, r, growth), to_c, to_s = self.precomputed, self.cotangent_of(0), self.cotangent_of(1)
        drive.add(self.cell.angles, to_s * r * cos + to_c * r * -sin)
        drive.add(self.cell.nu, -((to_s * sin + to_c * cos) * r) * growth)


@choice("model", "diagonal", "complex_diagonal", home="diagonal")
@dataclass
class DiagonalConfig(StateNet):
    """Neurons that remember themselves alone, each by a factor that is learnt; complex ones as pairs."""

    name: str = described(MISSING, "name in files and titles", choices=("diagonal", "complex_diagonal"))


diagonal = StateNetKind(diagonal=(Diagonal, DiagonalBlock), complex_diagonal=(ComplexDiagonal, ComplexDiagonalBlock))
