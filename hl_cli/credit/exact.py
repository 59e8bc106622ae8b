r"""Credit `exact`: the derivative of all states by all weights of the state net is carried along. For small nets.

    s' = A s + B,    A = dh'/dh, B = dh'/dtheta        g = s'^T zeta, zeta = dL/dh(h')        (explicit: s^T dL/dh(h))

s: (S, N) for S state numbers and N weights, so that a tick takes S backward passes and S^2 N products. The gradient is
exact over the whole past while the weights rest; while they move, s holds derivatives at weights that were.
Source: Williams and Zipser, A Learning Algorithm for Continually Running Fully Recurrent Neural Networks, 1989.
"""

from __future__ import annotations

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
from hl_cli.dynamics.hamiltonian import State, neuron_step
from hl_cli.errors import BadInput
from hl_cli.networks.blocks import Block
from hl_cli.networks.online import OnlineChain, flat
from hl_cli.networks.sensitivity import MOST, Stacked


@choice(
    "credit",
    "exact",
    home="Exact",
    past="s, exact",
    future="0",
    cost="a tick: S backward passes and S^2 N products for S state numbers and N weights; kept: h and S N numbers",
    exact="everywhere, while the weights rest; small nets, batch_size=1",
)
@dataclass
class ExactConfig(CreditConfig):
    """All states by all weights, carried forward: real-time recurrent learning."""

    name: str = described(MISSING, "name in files and titles", choices=("exact",))


class SensitiveChain(OnlineChain):
    """Blocks with states, and s; a tick leaves the graph that made the states of those before and the weights."""

    def __init__(self, blocks: list[Block], flow: Flow, newest: bool = True) -> None:
        super().__init__(blocks, flow, newest)
        self.weights = [p for block in blocks for p in block.parameters]
        self.sensitivity = Stacked(self.weights)
        self._graph: tuple[list[Tensor], list[Tensor]] = [], []

    def restart(self, what: str = "sample") -> None:
        """s rests with the states whose derivative it is, and with what carries credit."""
        super().restart(what)
        self.sensitivity.p = None

    def _rest(self, u: Tensor) -> None:
        super()._rest(u)
        states = sum(part.numel() for part in flat(self.after))
        numbers = states * sum(p.numel() for p in self.weights)
        if len(u) > 1:
            raise BadInput(f"batch_size={len(u)}: credit=exact carries the derivatives of one row; allowed: 1")
        if numbers > MOST:
            raise BadInput(
                f"credit=exact: {states} states by {numbers // states} weights are {numbers} numbers; allowed: up to "
                f"{MOST}, or credit=eligibility"
            )

    def tick(self, u: Tensor) -> Tensor:
        """Let the states take one step, with its graph."""
        if not self.after or not self.costates:
            self.begin(u)
        self.before = self.after
        with torch.enable_grad():
            for block in self.blocks:
                block.start()
            old: list[State] = [tuple(part.detach().requires_grad_() for part in h) for h in self.before]
            new: list[State] = []
            x = u
            for i, block in enumerate(self.blocks):
                new.append(neuron_step(old[i], block.candidate(x, old[i]), self.flow.leak))
                x = (new if self.newest else old)[i][0]
        self._graph = flat(old), flat(new)
        self.after = [tuple(part.detach() for part in h) for h in new]
        return (self.after if self.newest else self.before)[-1][0]

    def vjp(self, below: Tensor | None, drive: GradientAccumulator) -> None:
        """Add s^T zeta to the drive, and let s take its step; below: dL/dh of what the tick showed, None for zero."""
        s = self.sensitivity
        self.forget()
        self.costates[-1] = (below, *(None,) * (len(self.after[-1]) - 1))
        if self.newest:
            self._advance()
        if below is not None and s.p is not None:
            given = flat(self.costates)
            zetas = [torch.zeros_like(h) if z is None else z for z, h in zip(given, flat(self.after), strict=True)]
            for p, g in zip(self.weights, s.gradient(zetas), strict=True):
                drive.add(p, g)
        if not self.newest:
            self._advance()

    def _advance(self) -> None:
        with torch.enable_grad():
            self.sensitivity.advance(*self._graph)
        self._graph = [], []

    def state_dict(self) -> dict[str, Any]:
        """With s."""
        p = self.sensitivity.p
        return {**super().state_dict(), "sensitivity": None if p is None else p.clone()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        super().load_state_dict(state)
        p = state["sensitivity"]
        self.sensitivity.p = None if p is None else p.clone()


class Exact(Online):
    """Raises BadInput at the first tick of a net that is too large, or of a batch."""

    recordable = False  # its graph is autograd's

    def __init__(self, ground: Ground, reset: str = "never", rise: int = 0) -> None:
        self.flow = Flow(ground.coefficients.leak)
        super().__init__(ground, reset, rise)

    def chain(self) -> SensitiveChain:
        """Blocks with states and s."""
        return SensitiveChain(list(self.split.state), self.flow, self.newest)
