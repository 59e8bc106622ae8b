r"""A stage: one block of the net with a clock of its own. It is told h from below and z from above, and nothing else.

    h_i = F_i(x_i; theta_i)                              x_i = h_{i-1}, or the input u for the first
    zeta_{i-1} = (dF_i/dx)^T zeta_i                      for the stage below
    g_i = (dF_i/dtheta)^T zeta_i,  then one step of (omega_i, theta_i)      hl_cli.dynamics.rules

Weights, costates and the step of another stage are out of its reach: it holds its own theta_i and omega_i in buffers of
its own, and its neighbours' tensors come as arguments. Source: arXiv 2409.12038, section on locality.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from time import perf_counter
from typing import Any

import torch
from torch import Tensor

from hl_cli.dynamics.equivalence import Coefficients
from hl_cli.dynamics.guards import all_finite
from hl_cli.dynamics.hamiltonian import Share, State, share_of
from hl_cli.dynamics.rules import UpdateRule
from hl_cli.dynamics.rules.base import Update, apply
from hl_cli.dynamics.weights import FlatWeights
from hl_cli.errors import NonFinite
from hl_cli.learners.clipping import Clip
from hl_cli.networks.blocks import Block, ModuleBlock, Tape
from hl_cli.networks.chain import IDENTITY, Chain


class Stage:
    """number: its place in the net, from 1; layers: what it runs at once; output: f^y, where it sits with this stage.

    Then y = f^y(h) is what it shows, and zeta comes as dL/dy. age: ticks by which zeta is late.

    Age 0: zeta meets the input that the stage sees now. Otherwise the last inputs are kept, and zeta meets the one
    that is `age` ticks old, at the weights of now. seconds: time spent in computing.
    """

    def __init__(
        self,
        number: int,
        layers: Sequence[Block],
        output: Block | None,
        coefficients: Coefficients,
        rule: UpdateRule,
        age: int = 0,
    ) -> None:
        self.number, self.layers, self.output = number, list(layers), output or IDENTITY
        self.block = layers[0] if len(layers) == 1 else Chain(layers)
        self.coefficients, self.rule = coefficients, rule
        self.phase = FlatWeights([p for block in self.parts for p in block.parameters], rule)
        self.steps, self.seconds = 0, 0.0
        self._inputs: deque[Tensor] = deque(maxlen=age + 1)
        self._tapes: tuple[Tape, Tape] = (None, None)
        self._before: State = ()
        self._h: State = ()
        self._zeta: Tensor | None = None
        self.clip: Clip | None = None
        self._update: Update = []  # the step that omega has taken and theta has not

    @property
    def device(self) -> torch.device:
        """Where its weights are."""
        return self.phase.theta.device

    def place(self, device: str) -> None:
        """Move to a device, before the first tick."""
        for block in self.parts:
            if isinstance(block, ModuleBlock):
                block.module.to(device)  # buffers too
            for p in block.parameters:
                p.data = p.data.to(device)
        self.phase = FlatWeights([p for block in self.parts for p in block.parameters], self.rule)

    @property
    def parts(self) -> list[Block]:
        """Its layers, and what is above them: the output net where it sits here, else nothing with weights."""
        return [*self.layers, self.output]

    @property
    def buffers(self) -> list[Tensor]:
        """What its modules have beside weights, such as the running means of a normalisation."""
        return [b for block in self.parts if isinstance(block, ModuleBlock) for b in block.module.buffers()]

    def look(self, x: Tensor) -> Tensor:
        """What it would show of x, nothing kept."""
        return self._show(self.block.candidate(x.to(self.device), ()))

    def _show(self, h: State) -> Tensor:
        return self.output.candidate(h[0], ())[0]

    def _record(self, x: Tensor) -> tuple[State, Tensor]:
        """h, what is shown of it, and on the tapes all that the way back needs."""
        h, tape = self.block.record(x, (), want_x=self.number > 1)
        (y,), above = self.output.record(h[0], ())
        self._tapes = tape, above
        return h, y

    def forward(self, x: Tensor) -> Tensor:
        """h = F(x), and what is shown of it; what the way back needs is kept."""
        start = perf_counter()
        x, self._zeta = x.to(self.device), None
        self._before = self._h
        if self._inputs.maxlen == 1:
            self._h, shown = self._record(x)
        else:
            self._inputs.append(x)
            self._h = self.block.candidate(x, ())
            shown = self._show(self._h)
        self.seconds += perf_counter() - start
        return shown

    def pull(self, zeta: Tensor | None) -> Tensor | None:
        """Fill the drive, and return zeta of the stage below: None for the first, and where its h is not used."""
        start = perf_counter()
        z = None if zeta is None else zeta.to(self.device)
        again = self._inputs.maxlen != 1
        if again:  # the input has passed before: what the modules count beside weights must not see it twice
            counted = [buffer.clone() for buffer in self.buffers]
            self._record(self._inputs[0])
        drive = self.phase.drive
        drive.start()
        if z is not None:
            z = self.output.vjp(self._tapes[1], (z,), drive).x
        self._zeta, below = z, None
        if z is None:
            drive.pass_over(p for block in self.parts for p in block.parameters)
        else:
            below = self.block.vjp(self._tapes[0], (z,), drive, want_x=self.number > 1).x
        self.phase.finish()
        if self.clip is not None:
            self.clip.drive(self.phase, self.phase.parameters)
        if again:
            for buffer, before in zip(self.buffers, counted, strict=True):
                buffer.copy_(before)
        self.seconds += perf_counter() - start
        return below

    def share(self, from_rest: bool) -> Share:
        """What the stage adds to H, after its zeta was pulled and before its weights move.

        from_rest: h was 0 before this sample; else it was what the stage showed a tick ago.
        """
        before = () if from_rest else self._before
        share = share_of([(self._zeta,)], [before], [self._h], self.phase.theta, self.phase.omega)
        return share._replace(energy=self.rule.energy(self.phase, self.coefficients))

    def move_costate(self) -> None:
        """Omega takes its step; raises NonFinite, with theta untouched, where it ends up so."""
        start = perf_counter()
        c = self.coefficients
        self._update = self.rule.advance(self.phase, c, c.loss_weight(self.steps), c.phi_first)
        try:
            all_finite((self.phase.omega,), "weight costate")
        except NonFinite as stop:
            raise NonFinite(f"{stop.quantity} of block {self.number}") from None
        finally:
            self.seconds += perf_counter() - start
        self.steps += 1

    def move_weights(self) -> None:
        """Theta follows: the second half of the step."""
        start = perf_counter()
        apply(self._update)
        self.seconds += perf_counter() - start

    def shown(self) -> list[Tensor]:
        """Weights and buffers as others may see them: copies on the CPU."""
        return [one.detach().cpu() for one in (self.phase.theta, *self.buffers)]

    def show(self, seen: Sequence[Tensor]) -> None:
        """Be as another process has it."""
        for mine, one in zip((self.phase.theta, *self.buffers), seen, strict=True):
            mine.copy_(one)

    def state_dict(self) -> dict[str, Any]:
        """Theta, omega, buffers, the weight clock, what it shows, and the inputs that it keeps."""
        return {
            "theta": self.phase.theta.clone(),
            "omega": self.phase.omega.clone(),
            "buffers": [buffer.clone() for buffer in self.buffers],
            "steps": self.steps,
            "waiting": self.phase.waiting,
            **self.phase.state_of_rule(),
            "h": list(self._h),
            "inputs": list(self._inputs),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self.show((state["theta"], *state["buffers"]))
        self.phase.omega.copy_(state["omega"])
        self.steps, self.phase.waiting = state["steps"], state["waiting"]
        self.phase.go_on(state, self.steps)
        self._h = tuple(h.to(self.device) for h in state["h"])
        self._inputs.clear()
        self._inputs.extend(x.to(self.device) for x in state["inputs"])
