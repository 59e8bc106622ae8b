r"""Antisymmetric: a linear state whose generator is antisymmetric, so that one tick is an orthogonal matrix.

    h' = E h + gain (B x + b)        E = exp(A)        A = (scale/2) (W - W^T)

E is the exact flow over one tick of dh/dt = A h, in which |h| is kept: neither states nor costates grow or fade,
whatever the weights. gain is a constant, for the reason given in hl_cli.networks.rotation. E is computed once a
learning period, and so is the pull-back through it:

    (dF/dW)^T z = (scale/2) (G - G^T)       G: sum over t of z(t) h(t-1)^T, pulled back through exp at A

The inverse is  h = E^-1 (h' - gain (B x + b)),  with  E^-1 = E^T (2 - E E^T): as computed, E is orthogonal up to
rounding, which would add up over the ticks, and one step of Newton's method takes it away.
Source: Lezcano-Casado and Martinez-Rubio, Cheap Orthogonal Constraints in Neural Networks, 2019, section 3.
"""

from __future__ import annotations

from dataclasses import dataclass

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
from hl_cli.networks.exponential import MatrixExponential, derivative
from hl_cli.networks.state_nets import StateNetKind


class Antisymmetric(Cell):
    """State h (batch, hidden); scale: of A, 1/tick; gain: of the push.

    W is drawn as the weights of torch.nn.RNNCell are: the frequencies of A are then spread from 0 to about 0.8 scale
    rad/tick.
    """

    def __init__(self, features: int, hidden: int, scale: float = 1.0, gain: float = 0.3) -> None:
        super().__init__(hidden)
        self.scale, self.gain = scale, gain
        self.inputs = nn.Linear(features, hidden)
        self.generator = nn.Parameter(torch.empty(hidden, hidden).uniform_(-1, 1) * hidden**-0.5)

    def precompute(self) -> Precomputed:
        """E."""
        return (MatrixExponential.apply(self.flow()),)

    def flow(self) -> Tensor:
        """A."""
        return (self.generator - self.generator.t()) * (0.5 * self.scale)

    def tick(self, x: Tensor, h: State, precomputed: Precomputed) -> State:
        """Turn, then push."""
        return (functional.linear(h[0], precomputed[0]).add_(self.inputs(x).mul_(self.gain)),)


class AntisymmetricBlock(CellBlock):
    """The tape is (x, h). back: E^-1, once it has been asked for."""

    invertible = True

    back: Tensor | None = None

    def start(self) -> None:
        """E is another one."""
        super().start()
        self.back = None

    def vjp(
        self, tape: Tape, z: Costate, drive: GradientAccumulator, want_x: bool = True, want_h: bool = True
    ) -> Pulled:
        """The costate turns by E^T; z h^T joins the costate of E."""
        (x, h), (e,), g = tape, self.precomputed, z[0]
        assert g is not None
        weight, bias = self.cell.inputs.weight, self.cell.inputs.bias
        self.accumulate_cotangent(0, torch.mm(g.t(), h))
        push = g * self.cell.gain
        drive.add_product(weight, push.t(), x)
        drive.add_rows(bias, push)
        return Pulled(input_costate(push, weight, x) if want_x else None, (torch.mm(g, e) if want_h else None,))

    def vjp_state(self, tape: Tape, z: Costate) -> Costate:
        """The turn alone."""
        assert z[0] is not None
        return (torch.mm(z[0], self.precomputed[0]),)

    def vjp_precomputed(self, drive: GradientAccumulator) -> None:
        """Through exp, then through A."""
        z = self.cotangent_of(0)
        self.precomputed, self.back = (), None  # not needed any more, and the pull-back needs room
        g = derivative(self.cell.flow().t(), z) * (0.5 * self.cell.scale)
        drive.add(self.cell.generator, g + (-g).t())

    def inverse(self, x: Tensor, h: State) -> tuple[State, Tape]:
        """Pull, then turn back."""
        if self.back is None:
            (e,) = self.precomputed
            self.back = 2 * e - torch.linalg.multi_dot((e, e.t(), e))
        before = torch.mm(h[0] - self.cell.inputs(x) * self.cell.gain, self.back)
        return (before,), (x, before)


@choice("model", "antisymmetric", home="antisymmetric", invertible=True)
@dataclass
class AntisymmetricConfig(StateNet):
    """An orthogonal matrix from an antisymmetric generator: h' = exp(A) h + gain (B x + b)."""

    name: str = described(MISSING, "name in files and titles", choices=("antisymmetric",))
    scale: float = described(1.0, "A = scale (W - W^T)/2, 1/tick", above=0)
    gain: float = described(0.3, "factor of the push by the input", above=0)


antisymmetric = StateNetKind(antisymmetric=(Antisymmetric, AntisymmetricBlock))
