r"""UnICORNN: undamped oscillators that do not see one another; every tick is a symplectic map of each.

    H(y, z) = sum_i  s_i (z_i^2 / 2 + a y_i^2 / 2 + log cosh(w_i y_i + (V u + b)_i) / w_i)

    z' = z - s (tanh(w y + V u + b) + a y)         s = eps sig(c): the kick, then the drift
    y' = y + s z'
    undone:  y = y' - s z',   z = z' + s (tanh(w y + V u + b) + a y)

w and c are (hidden,), a number a neuron, V is (hidden, features). At first w ~ U(0, 1) and c ~ U(-0.1, 0.1). The
product of the Jacobians of all ticks has singular values in pairs, one the inverse of the other, as in `hamiltonian`.
The exact gradient over time is cheap to carry forward (hl_cli.networks.sensitivity). The net shows y, or y and z
(hl_cli.networks.whole_state).
Source: Rusch and Mishra, UnICORNN: A recurrent model for learning very long time dependencies, arXiv 2103.05487.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from omegaconf import MISSING
from torch import Tensor, nn

from hl_cli.config.fields import described
from hl_cli.config.models import PhaseNet
from hl_cli.config.registry import choice
from hl_cli.dynamics.accumulator import GradientAccumulator
from hl_cli.dynamics.hamiltonian import Costate, State, total
from hl_cli.networks.blocks import Pulled, Tape, input_costate
from hl_cli.networks.cell import Cell, CellBlock, Precomputed
from hl_cli.networks.state_nets import StateNetKind
from hl_cli.networks.units import Local, seen

aten = torch.ops.aten


class UnICORNN(Cell):
    """State (y, z), (batch, hidden) each; eps: the step, in ticks; stiffness: a."""

    tensors = 2
    elementwise = True

    def __init__(self, features: int, hidden: int, eps: float = 0.3, stiffness: float = 1.0) -> None:
        super().__init__(hidden)
        self.eps, self.stiffness = eps, stiffness
        self.inputs = nn.Linear(features, hidden)
        self.own = nn.Parameter(torch.rand(hidden))
        self.pace = nn.Parameter(torch.empty(hidden).uniform_(-0.1, 0.1))

    def precompute(self) -> Precomputed:
        """s, the step of each neuron."""
        return (self.pace.sigmoid() * self.eps,)

    def gates(self, x: Tensor, y: Tensor) -> Tensor:
        """tanh(w y + V u + b)."""
        return torch.tanh(self.inputs(x) + y * self.own)

    def tick(self, x: Tensor, h: State, precomputed: Precomputed) -> State:
        """Kick, then drift."""
        (y, z), (step,) = h, precomputed
        z = z - step * (self.gates(x, y) + self.stiffness * y)
        return y + step * z, z

    def limit(self) -> float:
        """s^2 (a + |w|) = 4 of the neuron that comes to it first."""
        with torch.no_grad():
            return float((2 / (self.pace.sigmoid() * (self.stiffness + self.own.abs()).sqrt())).min())


class UnICORNNBlock(CellBlock):
    """The tape is (x, y, z', gates, force)."""

    invertible = True
    separable = True

    def record(self, x: Tensor, h: State, want_x: bool = True) -> tuple[State, Tape]:
        """Kick, then drift."""
        (y, z), (step,) = h, self.precomputed
        gates = self.cell.gates(x, y)
        force = gates + self.cell.stiffness * y
        z = z - step * force
        return (y + step * z, z), (x, y, z, gates, force)

    def inverse(self, x: Tensor, h: State) -> tuple[State, Tape]:
        """Drift back, then kick back."""
        (y, z), (step,) = h, self.precomputed
        y = y - step * z
        gates = self.cell.gates(x, y)
        force = gates + self.cell.stiffness * y
        return (y, z + step * force), (x, y, z, gates, force)

    def vjp(
        self, tape: Tape, z: Costate, drive: GradientAccumulator, want_x: bool = True, want_h: bool = True
    ) -> Pulled:
        """Through the drift to z', then through the kick to y and x; the step is met by both."""
        (x, y, moved, _, force), cell = tape, self.cell
        if z[0] is not None:
            self.accumulate_cotangent(0, (z[0] * moved).sum(0))
        kick, to_sums, below = self._back(tape, z)
        self.accumulate_cotangent(0, (kick * force).sum(0))
        drive.add_rows(cell.own, to_sums * y)
        drive.add_product(cell.inputs.weight, to_sums.t(), x)
        drive.add_rows(cell.inputs.bias, to_sums)
        to_x = input_costate(to_sums, cell.inputs.weight, x) if want_x else None
        return Pulled(to_x, below if want_h else (None, None))

    def vjp_state(self, tape: Tape, z: Costate) -> Costate:
        """That alone."""
        return self._back(tape, z)[-1]

    def _back(self, tape: Tape, z: Costate) -> tuple[Tensor, Tensor, Costate]:
        """The costates of the kick, of the sums in the gates, and of (y, z)."""
        gates, cell, (step,), (z_y, z_z) = tape[3], self.cell, self.precomputed, z
        if z_y is not None:
            z_z = total(z_z, z_y * step)
        assert z_z is not None
        kick = -z_z
        to_force = kick * step
        to_sums = aten.tanh_backward(to_force, gates)
        return kick, to_sums, (total(total(z_y, to_force * cell.stiffness), to_sums * cell.own), z_z)

    def vjp_precomputed(self, drive: GradientAccumulator) -> None:
        """ds/dc = eps sig(c) (1 - sig(c))."""
        pace = self.cell.pace
        drive.add(pace, aten.sigmoid_backward(self.cotangent_of(0) * self.cell.eps, pace.sigmoid()))

    def local(self, tape: Tape) -> Local:
        """Of each neuron, all of it: z' first, of which y' is the step's part."""
        (x, y, moved, gates, force), cell, (step,) = tape, self.cell, self.precomputed
        slope = 1 - gates * gates
        z_by_y = -step * (slope * cell.own + cell.stiffness)
        one = torch.ones_like(z_by_y)
        own = _both(1 + step * z_by_y, z_by_y), _both(step * one, one)
        z_by_sum = -step * slope
        sums = _both(step * z_by_sum, z_by_sum)
        longer = step * (1 - cell.pace.sigmoid())
        pace = _both(longer * moved - step * longer * force, -longer * force)
        return Local(own, torch.cat((sums * y, pace, sums * seen(x)[0][:, 0]), 1))


def _both(of_y: Tensor, of_z: Tensor) -> Tensor:
    """(batch, units) each, of y' and of z', as (2, 1, batch, units)."""
    return torch.stack((of_y, of_z)).unsqueeze(1)


@choice("model", "unicornn", home="unicornn", invertible=True)
@dataclass
class UnICORNNConfig(PhaseNet):
    """Undamped oscillators that do not see one another, each with a step of its own; symplectic; can be undone."""

    name: str = described(MISSING, "name in files and titles", choices=("unicornn",))
    eps: float = described(0.3, "step, ticks; of each neuron it is eps times the logistic of a weight", above=0)
    stiffness: float = described(1.0, "of the springs", least=0)


unicornn = StateNetKind(unicornn=(UnICORNN, UnICORNNBlock))
