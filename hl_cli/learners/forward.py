r"""The HL arm on a stream that never ends: h, z, omega and theta take one Euler step at each tick, and live on.

A tick of the semi-implicit order (hl_cli.networks.online has both orders, and what a chain of blocks sees):

    h'     = h + tau rate (F(u, h) - h)
    z'     = (1 - tau eta_z - tau rate) z + tau rate (dF/dh)^T z + tau phi dL/dh(h')
    omega' = (1 - tau eta) omega + tau dH/dtheta       (state net: rate (dF/dtheta)^T z', output net: phi dL/dtheta)
    theta' = theta - tau beta omega'

With old values on every right-hand side it is the explicit order. Nothing but h, z, omega and theta is kept: a tick
costs the same whenever it comes. It approximates the gradient over time. Source: arXiv 2409.12038, sections 2, 3.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Any

import torch
from torch import Tensor

from hl_cli.dynamics.equivalence import Coefficients
from hl_cli.dynamics.forward import Flow
from hl_cli.dynamics.hamiltonian import hamiltonian, share_of
from hl_cli.dynamics.rules import UpdateRule, semi_implicit_euler
from hl_cli.dynamics.weights import FlatWeights
from hl_cli.errors import BadInput, NoSuchCombination
from hl_cli.learners.base import all_finite, evaluating, finite
from hl_cli.learners.naming import NamedWeights
from hl_cli.learners.weight_bound import WeightBound
from hl_cli.networks.losses import Loss, value_and_costate
from hl_cli.networks.online import OnlineChain
from hl_cli.networks.sequence import joined, parted
from hl_cli.networks.splits import Split
from hl_cli.streams.base import as_sample
from hl_cli.types import LearnerRecord, Physics, Sample

RESETS = ("never", "sample")


class ForwardLearner(NamedWeights):
    """HL with credit `forward` over a split net with a state net. It takes the net's weights over.

    split, loss, coefficients, rule: as for HamiltonianLearner; the rule's order is that of h and z, too.
    eta_z: dissipation of the neuron costates (1/time); sign: -1, or +1 for the plain Hamilton equations;
    reset: "never", or "sample" to be at rest before each; carry: False to zero every z before each tick; rise: ticks
    in which phi rises from 0 to its value. At a tick where no target counts dL is zero, and everything else moves on.
    Neuron costates, and weights, that grow without bound stop the learner before its weights move.
    """

    name = "hl"

    def __init__(
        self,
        split: Split,
        loss: Loss,
        coefficients: Coefficients,
        rule: UpdateRule = semi_implicit_euler,
        eta_z: float = 0.0,
        sign: int = -1,
        reset: str = "never",
        carry: bool = True,
        rise: int = 0,
    ) -> None:
        if not split.state:
            raise NoSuchCombination("split=output: nothing lives on from tick to tick; allowed: state, state_output")
        if reset not in RESETS:
            raise BadInput(f"reset={reset}: allowed: {', '.join(RESETS)}")
        if not coefficients.phi > 0:
            raise BadInput("scenario.phi=0 (dampening 1): the costates of neurons are in its units; allowed: above 0")
        self.split, self.coefficients, self.rule = split, coefficients, rule
        self.reset, self.carry, self.rise, self.lives_on = reset, carry, rise, reset == "never"
        self._loss: Callable = value_and_costate(loss)
        self._flow, self._ticks = Flow(coefficients.leak, coefficients.tau * eta_z, sign), split.ticks
        self.neurons = self._fresh()
        self.phase = FlatWeights([p for block in split.blocks for p in block.parameters])
        self._bound_on_weights = WeightBound(self.phase.theta)
        self.ticks, self.seconds, self._phi = 0, 0.0, self.loss_weight(0)  # phi of the last tick, the units of zeta

    def _fresh(self) -> OnlineChain:
        return OnlineChain(self.split.state, self._flow, self.rule.newest)

    def loss_weight(self, tick: int) -> float:
        """phi at a tick (counted from 0)."""
        risen = min(1.0, (tick + 1) / self.rise) if self.rise else 1.0
        return self.coefficients.loss_weight(tick) * risen

    def step(self, sample: Sample, observe: bool = False) -> LearnerRecord:
        """All ticks of the sample; raises NonFinite before the weights move at the tick that found it."""
        with torch.no_grad():
            return self._step(sample, observe)

    def _step(self, sample: Sample, observe: bool) -> LearnerRecord:
        sample, start = as_sample(sample), perf_counter()
        if self.reset == "sample":
            self.neurons.restart()
        count = len(inputs := self._ticks(sample.inputs))
        first = 0 if self.split.every else count - 1  # the first tick at which the target counts
        targets = None if sample.target is None else parted(sample.target, count - first)
        said, value, physics = list[Tensor](), 0.0, None
        for t in range(count):
            target = targets[t - first] if targets is not None and t >= first else None
            y, loss = self._tick(inputs[t], target)
            if t >= first:
                said.append(y)
                value += loss / (count - first)
            if observe and t == count - 1:
                paused, physics = perf_counter(), self._physics(loss)
                start += perf_counter() - paused
            self._move()
        self._advance()
        self.seconds += perf_counter() - start
        return LearnerRecord(joined(said), value if targets is not None else None, physics)

    def _tick(self, u: Tensor, target: Tensor | None) -> tuple[Tensor, float]:
        """Neurons, loss and costates of one tick, and the drive; returns y and the loss (0 without a target)."""
        split, drive = self.split, self.phase.drive
        if not self.carry:
            self.neurons.forget()
        self._reweigh()
        y = x = self.neurons.tick(u)
        tape, below, value = None, None, 0.0
        if split.output is not None:
            (y,), tape = split.output.record(x, ())
        drive.start()
        if target is None:
            all_finite((h[0] for h in self.neurons.after), "neuron state")  # no loss will tell
        else:
            loss, below = self._loss(y, target)
            value = finite(loss.item(), "loss")
            if split.output is not None:
                below = split.output.vjp(tape, (below,), drive).x
        self.neurons.vjp(below, drive)
        self.phase.finish()
        if self.carry:  # at every tick: weights that ran away with them would hide it
            self.neurons.check(below)
        return y, value

    def _reweigh(self) -> None:
        """Keep z as it is where phi changes: zeta is z in units of tau phi."""
        before, self._phi = self._phi, self.loss_weight(self.ticks)
        if before != self._phi:
            self.neurons.rescale(before / self._phi)

    def _move(self) -> None:
        """The weights tick."""
        self._clip_drive()
        s, first = -self._flow.sign, self._phi if self.rise else self.coefficients.phi_first
        self.rule.step(self.phase, self.coefficients, s * self._phi, s * first, self._bound_on_weights.at(self.ticks))
        self.ticks += 1

    def _physics(self, loss: float) -> Physics:
        """H and its parts at this tick, before the weights move."""
        c, n = self.coefficients, self.neurons
        share = share_of(n.costates, n.before, n.after, self.phase.theta, self.phase.omega)
        return hamiltonian(loss, self.loss_weight(self.ticks), [share], c.beta, c.tau)

    @torch.no_grad()
    def predict(self, inputs: Tensor) -> Tensor:
        """Let a copy of the neurons, of the batch's last row, go on over samples; from rest where a sample resets."""
        with evaluating(self.split.module):
            tick, said = self._ticking(self.lives_on), []
            for part in inputs.split(1) if self.lives_on else (inputs,):
                shown = [tick(u) for u in self.split.ticks(part)]
                said.append(joined(shown if self.split.every else shown[-1:]))
            return torch.cat(said)

    def alone(self) -> Callable[[Tensor], Tensor]:
        """A tick u (1, features) to y (1, outputs) of a copy of the neurons as they are now; weights stay."""
        return self._ticking(True)

    def _ticking(self, on: bool) -> Callable[[Tensor], Tensor]:
        """A tick of other neurons, that go on from where these are or begin at rest."""
        neurons, output = self._fresh(), self.split.output
        if on:
            neurons.follow(self.neurons)

        def tick(u: Tensor) -> Tensor:
            x = neurons.tick(u)
            return x if output is None else output.candidate(x, ())[0]

        return tick

    def phases(self) -> list[FlatWeights]:
        """One buffer for all."""
        return [self.phase]

    def state_dict(self) -> dict[str, Any]:
        """Theta and omega as they lie, h and zeta with the phi they are in units of, and the number of ticks so far."""
        own = {"theta": self.phase.theta.clone(), "omega": self.phase.omega.clone(), "waiting": self.phase.waiting}
        return {**own, **self._where(), "neurons": self.neurons.state_dict(), "ticks": self.ticks, "phi": self._phi}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self.phase.theta.copy_(state["theta"])
        self.phase.omega.copy_(state["omega"])
        self.neurons.load_state_dict(state["neurons"])
        self.ticks, self._phi, self.phase.waiting = (state[name] for name in ("ticks", "phi", "waiting"))
        self._go_to(state)
