r"""Leapfrog: positions q and momenta p that move by turns, with tanh forces; every tick is a symplectic map.

    p' = p - eps K^T tanh(K q + U x + a)        the kick, by the force of q and of the input
    q' = q + eps D^T tanh(D p' + b)             the drift, by the velocity of p'

This is symplectic Euler, the leapfrog seen at alternate half ticks, for the separable Hamiltonian

    H(q, p) = sum log cosh(D p + b) + sum log cosh(K q + U x + a)

so that the map (q, p) to (q', p') keeps phase volume and is undone exactly, whatever the weights:

    q = q' - eps D^T tanh(D p' + b)             p = p' + eps K^T tanh(K q + U x + a)

The net shows q. Source: Chang et al., Reversible Architectures for Arbitrarily Deep Residual Neural Networks,
arXiv 1709.03698, the Hamiltonian block; a layer there is a tick here, with the same weights at each.
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
from hl_cli.dynamics.hamiltonian import Costate, State, total
from hl_cli.networks.blocks import Pulled, Tape, input_costate
from hl_cli.networks.cell import Cell, CellBlock, Precomputed
from hl_cli.networks.state_nets import StateNetKind

aten = torch.ops.aten


class Leapfrog(Cell):
    """State (q, p), (batch, hidden) each; eps: the step, in ticks. K and D are drawn as RNNCell's weights are."""

    tensors = 2

    def __init__(self, features: int, hidden: int, eps: float = 0.3) -> None:
        super().__init__(hidden)
        self.eps = eps
        self.inputs = nn.Linear(features, hidden)
        self.kick = nn.Parameter(torch.empty(hidden, hidden).uniform_(-1, 1) * hidden**-0.5)
        self.drift = nn.Linear(hidden, hidden)

    def force(self, x: Tensor, q: Tensor) -> Tensor:
        """tanh(K q + U x + a)."""
        return torch.tanh(self.inputs(x) + functional.linear(q, self.kick))

    def velocity(self, p: Tensor) -> Tensor:
        """tanh(D p + b)."""
        return torch.tanh(self.drift(p))

    def tick(self, x: Tensor, h: State, precomputed: Precomputed) -> State:
        """Kick, then drift."""
        q, p = h
        p = p - self.eps * (self.force(x, q) @ self.kick)
        return q + self.eps * (self.velocity(p) @ self.drift.weight), p


class LeapfrogBlock(CellBlock):
    """The tape is (x, q, p', force, velocity)."""

    invertible = True

    def record(self, x: Tensor, h: State, want_x: bool = True) -> tuple[State, Tape]:
        """Kick, then drift."""
        (q, p), cell = h, self.cell
        force = cell.force(x, q)
        p = p - cell.eps * (force @ cell.kick)
        velocity = cell.velocity(p)
        return (q + cell.eps * (velocity @ cell.drift.weight), p), (x, q, p, force, velocity)

    def inverse(self, x: Tensor, h: State) -> tuple[State, Tape]:
        """Drift back, then kick back."""
        (q, p), cell = h, self.cell
        velocity = cell.velocity(p)
        q = q - cell.eps * (velocity @ cell.drift.weight)
        force = cell.force(x, q)
        return (q, p + cell.eps * (force @ cell.kick)), (x, q, p, force, velocity)

    def vjp(
        self, tape: Tape, z: Costate, drive: GradientAccumulator, want_x: bool = True, want_h: bool = True
    ) -> Pulled:
        """Through the drift to p', then through the kick to q and x; each matrix is met twice a tick."""
        x, q, p, force, velocity = tape
        cell, (z_q, z_p) = self.cell, z
        kick, weight, turn, bias = cell.kick, cell.inputs.weight, cell.drift.weight, cell.drift.bias
        if z_q is not None:
            g = z_q * cell.eps
            drive.add_product(turn, velocity.t(), g)
            g = aten.tanh_backward(torch.mm(g, turn.t()), velocity)
            drive.add_product(turn, g.t(), p)
            drive.add_rows(bias, g)
            z_p = total(z_p, torch.mm(g, turn))
        assert z_p is not None
        g = -z_p * cell.eps
        drive.add_product(kick, force.t(), g)
        g = aten.tanh_backward(torch.mm(g, kick.t()), force)
        drive.add_product(kick, g.t(), q)
        drive.add_product(weight, g.t(), x)
        drive.add_rows(cell.inputs.bias, g)
        below = input_costate(g, weight, x) if want_x else None
        return Pulled(below, (total(z_q, torch.mm(g, kick)), z_p) if want_h else (None, None))


@choice("model", "leapfrog", home="leapfrog", invertible=True)
@dataclass
class LeapfrogConfig(StateNet):
    """Positions and momenta that move by turns, with tanh forces."""

    name: str = described(MISSING, "name in files and titles", choices=("leapfrog",))
    eps: float = described(0.3, "step of kick and drift, ticks", above=0)


leapfrog = StateNetKind(leapfrog=(Leapfrog, LeapfrogBlock))
