r"""The HL arm: neurons h, their costates z, weights theta and their costates omega, integrated forward.

A learner is a credit and an update rule. In each learning period (a sample, a sequence of T ticks, or one tick):

    1. credit     neurons, loss L and costates; the drive g = (dH/dtheta)/phi is summed      hl_cli.credit
    2. rule       omega' = (1 - tau eta) omega + tau phi g,  theta' = theta - tau beta omega'  hl_cli.dynamics.rules

No optimizer and no optimizer kernel is called. Source: arXiv 2409.12038, sections 2 and 3.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from time import perf_counter
from typing import Any

import torch
from torch import Tensor

from hl_cli.credit.backward import Backward
from hl_cli.credit.base import Credit, Ground
from hl_cli.dynamics.equivalence import Coefficients
from hl_cli.dynamics.hamiltonian import Share, hamiltonian
from hl_cli.dynamics.rules import UpdateRule, semi_implicit_euler
from hl_cli.dynamics.weights import FlatWeights
from hl_cli.learners.base import evaluating
from hl_cli.learners.naming import NamedWeights
from hl_cli.networks.losses import Loss
from hl_cli.networks.sequence import joined
from hl_cli.networks.splits import Split
from hl_cli.streams.base import as_sample
from hl_cli.types import LearnerRecord, Physics, Sample


class HamiltonianLearner(NamedWeights):
    """Hamiltonian Learning over a split net. It takes over the net's weights: give it a copy (copy.deepcopy).

    In a learning period (a sample of T ticks, or one tick) the credit runs neurons h and costates z, and then

        omega' = (1 - tau eta) omega + tau dH/dtheta       theta' = theta - tau beta omega'

    split: state net and output net; loss: a mean over the batch; coefficients: tau, beta, eta, phi;
    rule: of the weight step; credit: its kind, hl_cli.credit.backward.Backward or one of hl_cli.credit.online;
    options: of that kind, such as memory="store".
    """

    name = "hl"
    update_every = 1  # learning periods between weight steps, whose mean drive is taken

    def __init__(
        self,
        split: Split,
        loss: Loss,
        coefficients: Coefficients,
        rule: UpdateRule = semi_implicit_euler,
        credit: Callable[..., Credit] = Backward,
        **options: Any,
    ) -> None:
        if "integrator" in options:
            warnings.warn("integrator= is now called rule=", DeprecationWarning, stacklevel=2)
            rule = options.pop("integrator")
        self.split, self.coefficients, self.rule = split, coefficients, rule
        self.phase = FlatWeights([p for block in split.blocks for p in block.parameters], rule)
        self.credit: Any = credit(Ground(split, loss, coefficients, rule, self.phase), **options)
        self.lives_on = self.credit.lives_on
        if self.credit.alone is not None:
            self.alone = self.credit.alone
        self.steps, self.seconds = 0, 0.0
        self.gathered = self.sums = 0  # learning periods since the last weight step, and the drives summed in them
        self.moves = 0  # weight steps

    def step(self, sample: Sample, observe: bool = False) -> LearnerRecord:
        """Predict and learn: all learning periods of a sample; the outputs and the loss are of before each update.

        sample: a Sample, or a pair (inputs, target). Without a target nothing is learnt from it. observe: add the
        terms of the Hamiltonian and the norms. Raises NonFinite before the weights move in the period that found it.
        """
        with torch.no_grad():
            return self._step(sample, observe)

    def _step(self, sample: Sample, observe: bool) -> LearnerRecord:
        sample = as_sample(sample)
        self.credit.begin()
        said = self._learn(sample, observe)
        self._advance()
        return said

    def _learn(self, sample: Sample, observe: bool) -> LearnerRecord:
        """Its learning periods."""
        start = perf_counter()
        said: list[Tensor] = []
        value, physics = 0.0, None
        for y, loss, of, last in self.credit.periods(sample):
            if y is not None:
                said.append(y)
                value += loss / of
            if observe and last:
                paused, physics = perf_counter(), self._physics(loss)
                start += perf_counter() - paused
            self._gather()
            self.steps += 1
        if self.credit.drift is not None:
            self.drift = max(self.drift or 0.0, self.credit.drift)
        if not said:
            return LearnerRecord(self.predict(sample.inputs), None)
        self.seconds += perf_counter() - start
        return LearnerRecord(joined(said), None if sample.target is None else value, physics)

    def _gather(self) -> None:
        """The weights move where enough learning periods have been summed, and no window is open."""
        self.gathered, waiting = self.gathered + 1, self.credit.waiting
        self.sums += not waiting
        self.phase.drive.gathering = waiting or self.gathered < self.update_every
        if not self.phase.drive.gathering:
            self._move()
            self.gathered = self.sums = 0
            self.moves += 1

    def _move(self) -> None:
        """The weights take their step, along the drive of this period."""
        credit, c = self.credit, self.coefficients
        self._complete_drive()
        if self.sums > 1:
            self.phase.flat_drive.div_(self.sums)
        self._clip_drive()
        phi, first = credit.phi(c, self.moves)
        self.rule.step(self.phase, c, credit.sign * phi, credit.sign * first, credit.check())

    def _complete_drive(self) -> None:
        """End the learning period, with what other processes know of dH/dtheta; here there are none."""
        self.phase.finish()

    def _physics(self, loss: float) -> Physics:
        """H and its parts in this period, before the weights move."""
        c = self.coefficients
        share = self._share()._replace(energy=self.rule.energy(self.phase, c))
        return hamiltonian(loss, c.sign * self.credit.phi(c, self.moves)[0], [share], c.beta, c.tau)

    def _share(self) -> Share:
        """What H is made of beside the loss."""
        return self.credit.share()

    @torch.no_grad()
    def predict(self, inputs: Tensor) -> Tensor:
        """Let the neurons run over the inputs, a carried state from where it is; weights and costates stay."""
        with evaluating(self.split.module):
            return self._say(inputs)

    def _say(self, inputs: Tensor) -> Tensor:
        """What its credit predicts."""
        said: Tensor = self.credit.predict(inputs)
        return said

    def phases(self) -> list[FlatWeights]:
        """One buffer for all."""
        return [self.phase]

    def state_dict(self) -> dict[str, Any]:
        """Theta, omega and buffers by name, the number of weight steps so far, and what is carried on."""
        return {
            "theta": {name: w.clone() for name, w in self.weights().items()},
            "omega": {name: w.clone() for name, w in self.weight_costates().items()},
            "buffers": {name: b.clone() for name, b in self.split.module.named_buffers()},
            "steps": self.steps,
            "waiting": self.phase.waiting,
            **self.phase.state_of_rule(),
            "credit": self.credit.state_dict(),
            "moves": self.moves,
            **self._gathering(),
            **self._where(),
        }

    def _gathering(self) -> dict[str, Any]:
        """What has been summed since the weights moved."""
        counts = {"gathered": self.gathered, "sums_of": self.sums}
        return {**counts, **self.phase.drive.state_dict()} if self.gathered else {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there; a checkpoint of before may have theta and omega as they lie, or no credit."""
        for flat, live, of in (
            (self.phase.theta, self.weights(), state["theta"]),
            (self.phase.omega, self.weight_costates(), state["omega"]),
        ):
            if isinstance(of, Tensor):
                flat.copy_(of)
            else:
                for name, w in live.items():
                    w.copy_(of[name])
        for name, b in self.split.module.named_buffers():
            b.copy_(state.get("buffers", {}).get(name, b))
        self.steps, self.phase.waiting = state["steps" if "steps" in state else "ticks"], state["waiting"]
        self.moves, self.gathered = state.get("moves", self.steps), state.get("gathered", 0)
        self.sums = state.get("sums_of", self.gathered)
        self.phase.go_on(state, self.moves)
        self.credit.load_state_dict(state.get("credit", state))
        self.phase.drive.gathering = False
        if self.gathered:
            self.phase.drive.load_state_dict(state)
        self._go_to(state)
