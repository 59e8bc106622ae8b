r"""The HL arm: neurons h, their costates z, weights theta and their costates omega, integrated forward.

One step is one learning period (a sample, or a sequence of T ticks):

    1. neurons    h(1..T) by the state net, y = f^y(h(T)), or f^y(h(t)) at every t that counts
    2. loss       L(y, target); zeta_y = dL/dy
    3. costates   zeta(T..1) through f^y, then back over the sequence; the drive g = dL/dtheta is summed on the way
    4. weights    omega' = (1 - tau eta) omega + tau phi g,  theta' = theta - tau beta omega'   (hl_cli.dynamics)

No optimizer and no optimizer kernel is called. Source: arXiv 2409.12038, sections 2 and 3.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Any

import torch
from torch import Tensor

from hl_cli.dynamics.equivalence import Coefficients
from hl_cli.dynamics.hamiltonian import Share, hamiltonian, share_of
from hl_cli.dynamics.rules import UpdateRule, semi_implicit_euler
from hl_cli.dynamics.weights import FlatWeights
from hl_cli.learners.base import check_finite, evaluating, finite
from hl_cli.learners.naming import NamedWeights
from hl_cli.networks.losses import Loss, value_and_costate
from hl_cli.networks.memory import ANCHOR_EVERY, check_memory
from hl_cli.networks.sequence import SequenceRun, joined, parted
from hl_cli.networks.splits import Split
from hl_cli.streams.base import as_sample
from hl_cli.types import LearnerRecord, Physics, Sample


class HamiltonianLearner(NamedWeights):
    """Hamiltonian Learning over a split net. It takes over the net's weights: give it a copy (copy.deepcopy).

    One step is one learning period, a sample of T ticks: the neurons h run forward, their costates z run back, and then

        omega' = (1 - tau eta) omega + tau dH/dtheta       theta' = theta - tau beta omega'

    split: state net and output net; loss: a mean over the batch; coefficients: tau, beta, eta, phi;
    rule: of the weight step; memory: "recompute", "segments", "store", or "reverse" with an anchor
    every so many ticks (hl_cli.networks.memory). drift: with "reverse", the largest |rebuilt - kept| state so far.
    """

    name = "hl"

    def __init__(
        self,
        split: Split,
        loss: Loss,
        coefficients: Coefficients,
        rule: UpdateRule = semi_implicit_euler,
        memory: str = "recompute",
        anchor_every: int = ANCHOR_EVERY,
    ) -> None:
        check_memory(memory, split.state, coefficients.leak, anchor_every)
        self.split, self.coefficients, self.rule = split, coefficients, rule
        self._loss: Callable = value_and_costate(loss)
        self.memory, self.anchor_every = memory, anchor_every
        self.drift: float | None = None
        self.phase = FlatWeights([p for block in split.blocks for p in block.parameters])
        self.steps = 0
        self.seconds = 0.0

    @torch.no_grad()
    def step(self, sample: Sample, observe: bool = False) -> LearnerRecord:
        """Predict, then move the weights once; the record has the outputs and the loss from before the update.

        sample: a Sample, or a pair (inputs, target). Without a target weights and costates stay as they are.
        observe: add the terms of the Hamiltonian and the norms. Raises NonFinite before any weight has changed.
        """
        sample = as_sample(sample)
        if sample.target is None:
            self._advance()
            return LearnerRecord(self.predict(sample.inputs), None)
        start = perf_counter()
        split, c = self.split, self.coefficients
        phi = c.loss_weight(self.steps)
        neurons = SequenceRun(split.state, split.ticks(sample.inputs), c.leak, split.every)
        shown, tapes = neurons.run(self.memory, self.anchor_every), []
        if split.output is not None:
            for t, x in enumerate(shown):
                (shown[t],), tape = split.output.record(x, (), want_x=bool(split.state))
                tapes.append(tape)
        y = joined(shown)
        loss, zeta = self._loss(y, sample.target)
        value = self._check_loss(loss.item())
        drive = self.phase.drive
        drive.start()
        zetas: list[Tensor | None] = [*parted(zeta, len(shown))]
        if split.output is not None:
            for t in reversed(range(len(zetas))):
                zetas[t] = split.output.vjp(tapes[t], (zetas[t],), drive, want_x=bool(split.state)).x
        if split.state:
            neurons.vjp(zetas, drive)
            if neurons.drift is not None:
                self.drift = max(self.drift or 0.0, finite(neurons.drift, "rebuilt state"))
        self._complete_drive()
        self._clip_drive()
        physics = None
        if observe:
            paused = perf_counter()
            physics = self._physics(neurons, value, phi)
            start += perf_counter() - paused
        self.rule.step(self.phase, c, phi, c.phi_first, check_finite)
        self.steps += 1
        self._advance()
        self.seconds += perf_counter() - start
        return LearnerRecord(y, value, physics)

    def _check_loss(self, loss: float) -> float:
        """Stop before anything moves when the loss is not finite."""
        return finite(loss, "loss")

    def _complete_drive(self) -> None:
        """End the learning period, with what other processes know of dH/dtheta; here there are none."""
        self.phase.finish()

    def _physics(self, neurons: SequenceRun, loss: float, phi: float) -> Physics:
        """H and its parts at the last tick of the sequence, before the weights move."""
        share = self._share(neurons)
        return hamiltonian(loss, phi, [share], self.coefficients.beta, self.coefficients.tau)

    def _share(self, neurons: SequenceRun) -> Share:
        """What H is made of beside the loss."""
        return share_of(neurons.costates, neurons.before, neurons.after, self.phase.theta, self.phase.omega)

    @torch.no_grad()
    def predict(self, inputs: Tensor) -> Tensor:
        """Let the neurons run over the inputs; weights and costates stay."""
        with evaluating(self.split.module):
            split = self.split
            shown = SequenceRun(split.state, split.ticks(inputs), self.coefficients.leak, split.every).run()
            return joined(shown if split.output is None else [split.output.candidate(x, ())[0] for x in shown])

    def phases(self) -> list[FlatWeights]:
        """One buffer for all."""
        return [self.phase]

    def state_dict(self) -> dict[str, Any]:
        """Theta, omega and buffers by name, and the number of weight steps so far."""
        return {
            "theta": {name: w.clone() for name, w in self.weights().items()},
            "omega": {name: w.clone() for name, w in self.weight_costates().items()},
            "buffers": {name: b.clone() for name, b in self.split.module.named_buffers()},
            "steps": self.steps,
            "waiting": self.phase.waiting,
            **self._where(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        for name, w in self.weights().items():
            w.copy_(state["theta"][name])
        for name, w in self.weight_costates().items():
            w.copy_(state["omega"][name])
        for name, b in self.split.module.named_buffers():
            b.copy_(state["buffers"][name])
        self.steps, self.phase.waiting = state["steps"], state["waiting"]
        self._go_to(state)
