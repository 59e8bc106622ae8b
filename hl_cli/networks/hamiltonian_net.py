r"""Hamiltonian net: positions y and momenta z of springs that share a learnt potential; every tick is a symplectic map.

    H(y, z) = |z|^2 / 2 + sum_i a_i y_i^2 / 2 + sum_k g_k log cosh(A_k . y + B_k . u + b_k)

    z' = z - eps (a y + A^T (g tanh(A y + B u + b)))         symplectic Euler: the kick, then the drift
    y' = y + eps z'
    undone:  y = y' - eps z',   z = z' + eps (a y + A^T (g tanh(A y + B u + b)))

A is (width, hidden), B (width, features); a = exp(log a) >= 0, or 0 without springs; g is 1, or learnt and of both
signs. The product of the Jacobians of all ticks is symplectic: each of its singular values s comes with 1/s, so that
the gradient over time cannot vanish. It can explode: a linear tick is stable for eps^2 (a + |g| |A|^2) < 4.

`paired`: the second half of A, B and b repeats the first, with g of the other sign. The potential is zero at first, the
net begins as free motion, and a signal in u has to be learnt against no force. The net shows y,
or y and z (hl_cli.networks.whole_state).

Source of the family: neural nets as discretised Hamiltonian systems, Haber and Ruthotto, arXiv 1705.03341; Rusch and
Mishra, arXiv 2103.05487.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from omegaconf import MISSING
from torch import Tensor, nn
from torch.nn import functional

from hl_cli.config.fields import described
from hl_cli.config.models import PhaseNet
from hl_cli.config.registry import choice
from hl_cli.dynamics.accumulator import GradientAccumulator
from hl_cli.dynamics.hamiltonian import Costate, State, total
from hl_cli.errors import BadInput
from hl_cli.networks.blocks import Pulled, Tape, input_costate
from hl_cli.networks.cell import Cell, CellBlock, Precomputed
from hl_cli.networks.kinds import Shape
from hl_cli.networks.state_nets import StateNetKind

aten = torch.ops.aten


class HamiltonianCell(Cell):
    """State (y, z), (batch, hidden) each; stiffness: least and greatest a, spread evenly over their logarithms."""

    tensors = 2

    def __init__(
        self,
        features: int,
        hidden: int,
        eps: float = 0.1,
        width: int | None = None,
        stiffness: Sequence[float] | None = (1.0, 1.0),
        signs: bool = False,
        paired: bool = False,
        input_scale: float = 1.0,
    ) -> None:
        super().__init__(hidden)
        m = width or (2 * hidden if paired else hidden)
        self.eps = eps
        self.inputs = nn.Linear(features, m)
        self.coupling = nn.Parameter(torch.empty(m, hidden).uniform_(-1, 1) * hidden**-0.5)
        half = m // 2
        self.signs = nn.Parameter(torch.cat([torch.ones(half), -torch.ones(m - half)])) if signs else None
        ends = None if stiffness is None else [math.log(end) for end in stiffness]
        self.log_stiffness = None if ends is None else nn.Parameter(torch.linspace(ends[0], ends[1], hidden))
        with torch.no_grad():
            self.inputs.weight.mul_(input_scale)
            if paired:
                for rows in (self.inputs.weight, self.inputs.bias, self.coupling):
                    rows[half:] = rows[:half]

    def precompute(self) -> Precomputed:
        """The stiffness a, if there is any."""
        return () if self.log_stiffness is None else (self.log_stiffness.exp(),)

    def gates(self, x: Tensor, y: Tensor) -> Tensor:
        """tanh(A y + B u + b)."""
        return torch.tanh(self.inputs(x) + functional.linear(y, self.coupling))

    def force(self, y: Tensor, gates: Tensor, precomputed: Precomputed) -> Tensor:
        """Grad V: A^T (g tanh(..)) + a y."""
        pull = (gates if self.signs is None else gates * self.signs) @ self.coupling
        return pull + y * precomputed[0] if precomputed else pull

    def tick(self, x: Tensor, h: State, precomputed: Precomputed) -> State:
        """Kick, then drift."""
        y, z = h
        z = z - self.eps * self.force(y, self.gates(x, y), precomputed)
        return y + self.eps * z, z

    def limit(self) -> float:
        """eps^2 (a + |A|^2) = 4."""
        with torch.no_grad():
            stiff = 0.0 if self.log_stiffness is None else float(self.log_stiffness.exp().max())
            return 2 / (stiff + float(torch.linalg.matrix_norm(self.coupling.double(), 2)) ** 2) ** 0.5


class HamiltonianBlock(CellBlock):
    """The tape is (x, y, z', gates)."""

    invertible = True

    def record(self, x: Tensor, h: State, want_x: bool = True) -> tuple[State, Tape]:
        """Kick, then drift."""
        (y, z), cell = h, self.cell
        gates = cell.gates(x, y)
        z = z - cell.eps * cell.force(y, gates, self.precomputed)
        return (y + cell.eps * z, z), (x, y, z, gates)

    def inverse(self, x: Tensor, h: State) -> tuple[State, Tape]:
        """Drift back, then kick back."""
        (y, z), cell = h, self.cell
        y = y - cell.eps * z
        gates = cell.gates(x, y)
        return (y, z + cell.eps * cell.force(y, gates, self.precomputed)), (x, y, z, gates)

    def vjp(
        self, tape: Tape, z: Costate, drive: GradientAccumulator, want_x: bool = True, want_h: bool = True
    ) -> Pulled:
        """Through the drift to z', then through the kick to y and x; A is met twice a tick."""
        (x, y, _, gates), cell = tape, self.cell
        kick, to_terms, to_sums, below = self._back(tape, z)
        if self.precomputed:
            self.accumulate_cotangent(0, (kick * y).sum(0))
        drive.add_product(cell.coupling, (gates if cell.signs is None else gates * cell.signs).t(), kick)
        if cell.signs is not None:
            drive.add_rows(cell.signs, to_terms * gates)
        drive.add_product(cell.coupling, to_sums.t(), y)
        drive.add_product(cell.inputs.weight, to_sums.t(), x)
        drive.add_rows(cell.inputs.bias, to_sums)
        return Pulled(
            input_costate(to_sums, cell.inputs.weight, x) if want_x else None, below if want_h else (None,) * 2
        )

    def vjp_state(self, tape: Tape, z: Costate) -> Costate:
        """That alone."""
        return self._back(tape, z)[-1]

    def _back(self, tape: Tape, z: Costate) -> tuple[Tensor, Tensor, Tensor, Costate]:
        """The costates of the kick, of the terms of the potential, of the sums in their gates, and of (y, z)."""
        (_, _, _, gates), cell, (z_y, z_z) = tape, self.cell, z
        if z_y is not None:
            z_z = total(z_z, z_y * cell.eps)
        assert z_z is not None
        kick = -z_z * cell.eps
        if self.precomputed:
            z_y = total(z_y, kick * self.precomputed[0])
        to_terms = torch.mm(kick, cell.coupling.t())
        to_sums = aten.tanh_backward(to_terms if cell.signs is None else to_terms * cell.signs, gates)
        return kick, to_terms, to_sums, (total(z_y, torch.mm(to_sums, cell.coupling)), z_z)

    def vjp_precomputed(self, drive: GradientAccumulator) -> None:
        """Through the exponential."""
        drive.add(self.cell.log_stiffness, self.cotangent_of(0) * self.precomputed[0])


@choice("model", "hamiltonian", home="hamiltonian", invertible=True)
@dataclass
class HamiltonianConfig(PhaseNet):
    """Springs in a learnt potential, symplectic: the gradient over time cannot vanish; can be undone."""

    name: str = described(MISSING, "name in files and titles", choices=("hamiltonian",))
    eps: float = described(0.1, "step, ticks", above=0)
    width: int | None = described(None, "terms of the potential; null: hidden, twice as many if paired", least=1)
    stiffness: list[float] | None = described([1.0, 1.0], "least and greatest of the springs at first; null: none")
    signs: bool = described(False, "whether terms of the potential have learnt factors, half of them negative at first")
    paired: bool = described(False, "whether the potential is zero at first; asks for signs")
    input_scale: float = described(1.0, "factor of the input weights at first", above=0)


class HamiltonianKind(StateNetKind):
    """Refuses what makes no potential."""

    def net(self, name: str, shape: Shape, **fields: Any) -> nn.Module:
        """Build the stack."""
        springs = fields["stiffness"]
        if springs is not None and (len(springs) != 2 or not 0 < springs[0] <= springs[1]):
            raise BadInput(f"model.stiffness={list(springs)}: allowed: null, or [least, greatest] above 0")
        if fields["paired"] and not fields["signs"]:
            raise BadInput("model.paired=true with model.signs=false: allowed: model.signs=true")
        if fields["paired"] and (fields["width"] or 2) % 2:
            raise BadInput(f"model.width={fields['width']} with model.paired=true: allowed: an even number")
        return super().net(name, shape, **fields)


hamiltonian = HamiltonianKind(hamiltonian=(HamiltonianCell, HamiltonianBlock))
