r"""Leaky: the tanh cell in continuous time, slower than the clock.

    h' = h + leak (F - h),    F = tanh(W_ih x + b_ih + W_hh h + b_hh)

is one Euler step of dh/dt = rate (F - h) with leak = tau rate: a neuron forgets with the time constant 1/rate.
Source: Jaeger et al., Optimization and applications of echo state networks with leaky-integrator neurons, 2007.
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
from hl_cli.dynamics.hamiltonian import Costate, State, total
from hl_cli.networks.blocks import Pulled, Tape
from hl_cli.networks.recurrent import TanhCell
from hl_cli.networks.state_nets import StateNetKind
from hl_cli.networks.units import Local


class LeakyRNNCell(nn.RNNCell):
    """torch.nn.RNNCell, followed in part; leak: in (0, 1]."""

    def __init__(self, features: int, hidden: int, leak: float = 0.5) -> None:
        super().__init__(features, hidden)
        self.leak = leak

    def forward(self, x: Tensor, h: Tensor | None = None) -> Tensor:
        """One tick, from rest where h is None."""
        h = x.new_zeros(len(x), self.hidden_size) if h is None else h
        return torch.lerp(h, super().forward(x, h), self.leak)


class LeakyCell(TanhCell):
    """LeakyRNNCell as a block; the tape is (x, h, F)."""

    def record(self, x: Tensor, h: State, want_x: bool = True) -> tuple[State, Tape]:
        """F, and the lerp to it."""
        f = nn.RNNCell.forward(self.cell, x, h[0])  # type: ignore[arg-type]
        return (torch.lerp(h[0], f, self.cell.leak),), (x, h[0], f)  # type: ignore[arg-type]

    def vjp(
        self, tape: Tape, z: Costate, drive: GradientAccumulator, want_x: bool = True, want_h: bool = True
    ) -> Pulled:
        """z (1 - leak) stays with h, z leak goes through F."""
        assert z[0] is not None
        leak: float = self.cell.leak  # type: ignore[assignment]
        pulled = super().vjp(tape, (z[0] * leak,), drive, want_x, want_h)
        return Pulled(pulled.x, (total(z[0] * (1.0 - leak), pulled.h[0]),) if want_h else (None,))

    def local(self, tape: Tape) -> Local:
        """As h' = (1 - leak) h + leak F."""
        own, direct = super().local(tape)
        leak: float = self.cell.leak  # type: ignore[assignment]
        return Local((own[0] * leak + (1.0 - leak),), direct * leak)


@choice("model", "leaky_rnn", home="leaky_rnn")
@dataclass
class LeakyConfig(StateNet):
    """Tanh cells slower than the clock: h' = h + leak (tanh(..) - h)."""

    name: str = described(MISSING, "name in files and titles", choices=("leaky_rnn",))
    leak: float = described(0.5, "tau rate: part of the way to the cell's value in a tick", above=0, most=1)


leaky_rnn = StateNetKind(leaky_rnn=(LeakyRNNCell, LeakyCell))
