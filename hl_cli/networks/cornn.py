r"""coRNN: damped oscillators that see one another. Not Hamiltonian: friction takes the past out of the gradient.

    z' = z + eps (tanh(W y + R z + V u + b) - a y - friction z)
    y' = y + eps z'

W and R are (hidden, hidden), V is (hidden, features). A tick cannot be undone. The net shows y, or y and z.
Source: Rusch and Mishra, Coupled Oscillatory Recurrent Neural Network (coRNN), arXiv 2010.00951.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from omegaconf import MISSING
from torch import Tensor, nn
from torch.nn import functional

from hl_cli.config.fields import described
from hl_cli.config.models import PhaseNet
from hl_cli.config.registry import choice
from hl_cli.dynamics.accumulator import GradientAccumulator
from hl_cli.dynamics.hamiltonian import Costate, State, total
from hl_cli.networks.blocks import Pulled, Tape, input_costate
from hl_cli.networks.cell import Cell, CellBlock, Precomputed
from hl_cli.networks.state_nets import StateNetKind
from hl_cli.networks.units import Local, seen, self_weights

aten = torch.ops.aten


class CoRNN(Cell):
    """State (y, z), (batch, hidden) each; eps: the step, in ticks; stiffness: a. Weights are drawn as RNNCell's."""

    tensors = 2

    def __init__(
        self, features: int, hidden: int, eps: float = 0.1, stiffness: float = 1.0, friction: float = 0.1
    ) -> None:
        super().__init__(hidden)
        self.eps, self.stiffness, self.friction = eps, stiffness, friction
        self.inputs = nn.Linear(features, hidden)
        self.coupling = nn.Parameter(torch.empty(hidden, hidden).uniform_(-1, 1) * hidden**-0.5)
        self.resistance = nn.Parameter(torch.empty(hidden, hidden).uniform_(-1, 1) * hidden**-0.5)

    def gates(self, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
        """tanh(W y + R z + V u + b)."""
        return torch.tanh(self.inputs(x) + functional.linear(y, self.coupling) + functional.linear(z, self.resistance))

    def moved(self, gates: Tensor, y: Tensor, z: Tensor) -> State:
        """(y', z')."""
        z = z + self.eps * (gates - self.stiffness * y - self.friction * z)
        return y + self.eps * z, z

    def tick(self, x: Tensor, h: State, precomputed: Precomputed) -> State:
        """The force, then the drift."""
        return self.moved(self.gates(x, *h), *h)

    def limit(self) -> float:
        """eps^2 a + 2 eps friction = 4, of a neuron alone; its gates are bounded."""
        a, friction = self.stiffness, self.friction
        return 4 / (friction + math.sqrt(friction**2 + 4 * a)) if a or friction else math.inf


class CoRNNBlock(CellBlock):
    """The tape is (x, y, z, gates)."""

    def record(self, x: Tensor, h: State, want_x: bool = True) -> tuple[State, Tape]:
        """As the cell ticks."""
        gates = self.cell.gates(x, *h)
        return self.cell.moved(gates, *h), (x, *h, gates)

    def vjp(
        self, tape: Tape, z: Costate, drive: GradientAccumulator, want_x: bool = True, want_h: bool = True
    ) -> Pulled:
        """Through the drift to z', then through the force."""
        (x, y, before, gates), cell, (z_y, z_z) = tape, self.cell, z
        if z_y is not None:
            z_z = total(z_z, z_y * cell.eps)
        assert z_z is not None
        force = z_z * cell.eps
        g = aten.tanh_backward(force, gates)
        drive.add_product(cell.coupling, g.t(), y)
        drive.add_product(cell.resistance, g.t(), before)
        drive.add_product(cell.inputs.weight, g.t(), x)
        drive.add_rows(cell.inputs.bias, g)
        past: Costate = (None, None)
        if want_h:
            past_y = total(total(z_y, -force * cell.stiffness), torch.mm(g, cell.coupling))
            past = (past_y, total(total(z_z, -force * cell.friction), torch.mm(g, cell.resistance)))
        return Pulled(input_costate(g, cell.inputs.weight, x) if want_x else None, past)

    def local(self, tape: Tape) -> Local:
        """Of each neuron what it sees of itself: z' first, of which y' is eps times as much."""
        (x, y, before, gates), cell = tape, self.cell
        slope = 1 - gates * gates
        z_by_y = cell.eps * (slope * self_weights(cell.coupling)[0] - cell.stiffness)
        z_by_z = 1 + cell.eps * (slope * self_weights(cell.resistance)[0] - cell.friction)
        own = tuple(
            torch.stack(by).unsqueeze(1) for by in ((1 + cell.eps * z_by_y, z_by_y), (cell.eps * z_by_z, z_by_z))
        )
        z_by_sum = cell.eps * slope
        sums = torch.stack((cell.eps * z_by_sum, z_by_sum)).unsqueeze(1)
        seen_of = [y.t().unsqueeze(2), before.t().unsqueeze(2), seen(x)[0][:, 0]]
        return Local(own, torch.cat([sums * of for of in seen_of], 1))


@choice("model", "cornn", home="cornn")
@dataclass
class CoRNNConfig(PhaseNet):
    """Damped oscillators that see one another; not Hamiltonian: its gradient over time vanishes."""

    name: str = described(MISSING, "name in files and titles", choices=("cornn",))
    eps: float = described(0.1, "step, ticks", above=0)
    stiffness: float = described(1.0, "of the springs", least=0)
    friction: float = described(0.1, "of the velocities, a tick", least=0)


cornn = StateNetKind(cornn=(CoRNN, CoRNNBlock))
