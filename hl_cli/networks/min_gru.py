r"""Minimal GRU: units that forget by a gate of the input, and do not see one another.

    u = sig(W_u x + b_u)    c = W_c x + b_c    h' = h + u (c - h)        dh'/dh = 1 - u

The gate sees the input alone, so that credit=eligibility is exact. Source: Feng et al., Were RNNs All We Needed?, 2024,
section 3.1.
"""

from __future__ import annotations

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
from hl_cli.networks.state_nets import StateNetKind
from hl_cli.networks.units import Local, Sheet, seen

aten = torch.ops.aten


class MinGRU(Cell):
    """State h (batch, hidden); the rows of the weights are those of u, then those of c."""

    elementwise = True

    def __init__(self, features: int, hidden: int) -> None:
        super().__init__(hidden)
        self.inputs = nn.Linear(features, 2 * hidden)

    def tick(self, x: Tensor, h: State, precomputed: Precomputed) -> State:
        """Go a part u of the way."""
        u, c = self.inputs(x).chunk(2, 1)
        return (h[0] + u.sigmoid() * (c - h[0]),)


class MinGRUBlock(CellBlock):
    """The tape is (x, u, c - h)."""

    separable = True

    def __init__(self, cell: MinGRU) -> None:
        super().__init__(cell)
        self._sheet = Sheet(self._lay)

    def record(self, x: Tensor, h: State, want_x: bool = True) -> tuple[State, Tape]:
        """As the cell ticks."""
        u, c = self.cell.inputs(x).chunk(2, 1)
        u, way = u.sigmoid(), c - h[0]
        return (h[0] + u * way,), (x, u, way)

    def vjp(
        self, tape: Tape, z: Costate, drive: GradientAccumulator, want_x: bool = True, want_h: bool = True
    ) -> Pulled:
        """u z goes to c, the rest stays with h."""
        (x, u, way), g = tape, z[0]
        assert g is not None
        weight, to_c = self.cell.inputs.weight, g * u
        to_sum = torch.cat((aten.sigmoid_backward(g * way, u), to_c), 1)
        drive.add_product(weight, to_sum.t(), x)
        drive.add_rows(self.cell.inputs.bias, to_sum)
        return Pulled(input_costate(to_sum, weight, x) if want_x else None, (g - to_c if want_h else None,))

    def vjp_state(self, tape: Tape, z: Costate) -> Costate:
        """That alone."""
        assert z[0] is not None
        return (z[0] - z[0] * tape[1],)

    def local(self, tape: Tape) -> Local:
        """1 - u; by the two sums (c - h) u (1 - u) and u."""
        x, u, way = tape
        direct, by_sum, post, to_u, to_c, sees, x_in = self._sheet(x)
        aten.sigmoid_backward.grad_input(way, u, grad_input=to_u)
        to_c.copy_(u)
        x_in.copy_(x)
        torch.mul(sees, post, out=by_sum)
        return Local((1 - u,), direct)

    def _lay(self, x: Tensor) -> tuple[Tensor, ...]:
        """Rows of the sums, by what they see and gate by gate; by the two gates; what the sums see."""
        (sees, x_in), hidden = seen(x), self.cell.hidden
        direct, post = x.new_zeros(2 * len(sees), len(x), hidden), x.new_zeros(2, len(x), hidden)
        return direct, direct.unflatten(0, (-1, 2)), post, post[0], post[1], sees, x_in


@choice("model", "min_gru", home="min_gru")
@dataclass
class MinGRUConfig(StateNet):
    """Units that forget by a gate of the input; credit=eligibility is exact."""

    name: str = described(MISSING, "name in files and titles", choices=("min_gru",))


min_gru = StateNetKind(min_gru=(MinGRU, MinGRUBlock))
