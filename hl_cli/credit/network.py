r"""Credit `network`: a linear map of state and input learns the costate that the ticks to come will send back.

    zeta(t)   = dL/dh(t) + v(t),  v(t) = V x(t)          x(t) = (h(t), u(t), 1), the states of all blocks side by side
    g         = B(t)^T zeta(t)
    V'        = V + rate (A(t)^T zeta(t) - V x(t-1)) x(t-1)^T / |x(t-1)|^2         temporal difference, TD(0)

A^T zeta is what the tick has sent back to the states before it; where the states are put to rest it is zero. V begins
at zero. With rate=0 it is truncated BPTT over one tick, bit for bit.
Sources: Jaderberg et al., Decoupled Neural Interfaces using Synthetic Gradients, 2017; Sutton, Learning to Predict by
the Methods of Temporal Differences, 1988; Nagumo and Noda, A Learning Method for System Identification, 1967.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from omegaconf import MISSING
from torch import Tensor

from hl_cli.config.credits import CreditConfig
from hl_cli.config.fields import described
from hl_cli.config.registry import choice
from hl_cli.credit.base import Ground
from hl_cli.credit.online import Online
from hl_cli.dynamics.accumulator import GradientAccumulator
from hl_cli.dynamics.forward import Flow
from hl_cli.dynamics.hamiltonian import costate_step, total
from hl_cli.errors import BadInput, NoSuchCombination
from hl_cli.networks.online import OnlineChain, flat, nested


@choice(
    "credit",
    "network",
    home="Network",
    past="0",
    future="V x, learnt: a linear map of states and input",
    cost="a tick: the net and its pull-back once, and S (S + m) products for S state numbers and m inputs; kept: h, V",
    exact="nowhere",
)
@dataclass
class NetworkConfig(CreditConfig):
    """A linear map learns the costates to come."""

    name: str = described(MISSING, "name in files and titles", choices=("network",))
    rate: float = described(0.01, "part of the error of V that a tick takes away", least=0, most=1)


class ForeseeingChain(OnlineChain):
    """Blocks with states, and V (S, S + m + 1); None before the first tick."""

    def __init__(self, blocks: list[Any], flow: Flow, rate: float) -> None:
        super().__init__(blocks, flow)
        self.rate = rate
        self.v: Tensor | None = None
        self._x: Tensor | None = None  # (batch, S + m + 1) of the tick before

    def restart(self, what: str = "sample") -> None:
        """What rests sends nothing back: V learns so."""
        if self.v is not None:
            self._learn(self.v.new_zeros(1, len(self.v)))
        super().restart(what)
        self._x = None

    def tick(self, u: Tensor) -> Tensor:
        """Let the states take one step; u is a part of what V sees."""
        shown = super().tick(u)
        self._u = u
        return shown

    def vjp(self, below: Tensor | None, drive: GradientAccumulator) -> None:
        """Add to the drive, and let V take one step; below: dL/dh of what the tick showed, None for zero."""
        h = torch.cat(flat(self.after), 1)
        x = torch.cat((h, self._u.flatten(1), h.new_ones(len(h), 1)), 1)
        if self.v is None:
            self.v = h.new_zeros(h.shape[1], x.shape[1])
        widths = [part.shape[1] for part in flat(self.after)]
        foreseen = nested((x @ self.v.t()).split(widths, 1), self.after)
        sent: list[Tensor] = []
        for i in reversed(range(len(self.blocks))):
            own = foreseen[i]
            zeta = self.costates[i] = (total(own[0], below), *own[1:])
            pulled = self.blocks[i].vjp(self._tapes[i], self.flow.scaled(zeta), drive, want_x=i > 0)
            back = costate_step(zeta, pulled.h or (None,) * len(zeta), self.flow.leak)
            sent[:0] = [torch.zeros_like(z) if b is None else b for b, z in zip(back, own, strict=True)]
            below = pulled.x
        for block in self.blocks:
            block.finish(drive)
        self._learn(torch.cat(sent, 1))
        self._x, self._tapes = x, []

    def _learn(self, sent: Tensor) -> None:
        """sent: A^T zeta of the tick, by row."""
        if self.v is not None and self._x is not None and self.rate:
            error = sent - self._x @ self.v.t()
            step = self._x / self._x.square().sum(1, keepdim=True)
            self.v = torch.addmm(self.v, error.t(), step, alpha=self.rate / len(step))

    def carried(self) -> list[Tensor | None]:
        """With V, and what it saw last."""
        return [*super().carried(), self.v, self._x]

    def carry_on(self, carried: Sequence[Any], form: tuple[tuple[int, ...], ...]) -> None:
        """With V, and what it saw last."""
        super().carry_on(carried, form)
        *_, self.v, self._x = carried

    def state_dict(self) -> dict[str, Any]:
        """With V, and what it saw last."""
        kept = {name: None if t is None else t.clone() for name, t in (("v", self.v), ("x", self._x))}
        return {**super().state_dict(), **kept}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        super().load_state_dict(state)
        self.v, self._x = (None if state[key] is None else state[key].clone() for key in ("v", "x"))


class Network(Online):
    """rate: of V. Raises NoSuchCombination in the explicit order, and for inputs that are no features."""

    def __init__(self, ground: Ground, reset: str = "never", rise: int = 0, rate: float = 0.01) -> None:
        if not 0 <= rate <= 1:
            raise BadInput(f"credit.rate={rate}: allowed: 0 to 1")
        if not ground.rule.newest:
            raise NoSuchCombination("credit=network: not in the explicit order; allowed: semi_implicit_euler")
        self.flow, self.rate = Flow(ground.coefficients.leak), rate
        super().__init__(ground, reset, rise)

    def chain(self) -> ForeseeingChain:
        """Blocks with states and V."""
        return ForeseeingChain(list(self.split.state), self.flow, self.rate)

    def after_tick(self, below: Tensor | None) -> None:
        """V may run away with what it sends itself."""
        self.neurons.check(below)

    def reads(self, count: int) -> bool:
        """The largest costate, where there is one."""
        return self.neurons.reads(count)
