r"""What the kinds of credit share that learn online: one learning period a tick, states carried from tick to tick.

A kind says in `chain` how its neurons, and what carries credit over the ticks, move. All else is here: when a target
counts, phi, what is at rest when, and predictions from where the neurons are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from torch import Tensor

from hl_cli.credit.base import Credit, Form, Ground, Period
from hl_cli.credit.frozen import FrozenNeurons
from hl_cli.credit.readout import Readout
from hl_cli.dynamics.equivalence import Coefficients
from hl_cli.dynamics.guards import WeightBound, all_finite
from hl_cli.dynamics.hamiltonian import Share, share_of
from hl_cli.dynamics.rules.base import Check
from hl_cli.errors import BadInput, NoSuchCombination
from hl_cli.networks.blocks import Tape
from hl_cli.networks.online import OnlineChain
from hl_cli.networks.sequence import parted
from hl_cli.networks.splits import in_a_row
from hl_cli.streams.samples import Samples
from hl_cli.types import Sample

RESETS = ("never", "sample", "h", "z")


class Online(Credit):
    """The order of neurons and credit is that of the rule.

    reset: what is at rest before each sample: nothing ("never"), all ("sample"), the states alone ("h"), or what
    carries credit alone ("z"); rise: ticks in which phi rises from 0 to its value. At a tick where no target counts dL
    is zero, and everything else moves on. Weights that grow without bound stop the learner before they move.
    """

    recordable = True

    def __init__(self, ground: Ground, reset: str = "never", rise: int = 0) -> None:
        split, c = ground.split, ground.coefficients
        if not split.state:
            raise NoSuchCombination("split=output: no state is carried from tick to tick; allowed: state, state_output")
        if reset not in RESETS:
            raise BadInput(f"reset={reset}: allowed: {', '.join(RESETS)}")
        if not c.phi > 0:
            raise BadInput("scenario.phi=0 (dampening 1): the costates of neurons are in its units; allowed: above 0")
        self.split, self.weights, self._coefficients = split, ground.weights, c
        self.readout, self.bound = Readout(split, ground.loss), WeightBound(ground.weights.theta)
        self.reset, self.rise, self.lives_on, self.rests = reset, rise, reset in ("never", "z"), reset != "never"
        self.tick, self.newest = self._tick, ground.rule.newest
        self.alone = lambda: self.frozen(True)
        self.ticks, self._phi = 0, self.loss_weight(0)  # phi of the last tick, the units of zeta
        self.neurons = self.chain()

    def chain(self) -> OnlineChain:
        """Neurons at rest, with what carries their credit."""
        raise TypeError(f"{type(self).__name__} does not say how its neurons move")

    def loss_weight(self, tick: int) -> float:
        """phi at a tick (counted from 0)."""
        return self._coefficients.loss_weight(tick) * self._risen(tick)

    def phi(self, c: Coefficients, step: int) -> tuple[float, float]:
        """phi, as far as it has risen at this tick; a weight whose first step it is has phi_0, or as far."""
        now = self._coefficients.loss_weight(step) * self._risen(self.ticks)
        return now, now if self.rise else c.phi_first

    def _risen(self, tick: int) -> float:
        return min(1.0, (tick + 1) / self.rise) if self.rise else 1.0

    def rise_at_once(self) -> None:
        """The ticks in which phi rises count as taken."""
        self.ticks = max(self.ticks, self.rise)

    def check(self) -> Check:
        """Now and then the weights are looked at, too."""
        return self.bound.at(self.ticks)

    def begin(self) -> None:
        """As `reset` says."""
        if self.rests:
            self.neurons.restart(self.reset)

    def periods(self, sample: Sample) -> Iterator[Period]:
        """One a tick."""
        count = len(inputs := self.split.ticks(sample.inputs))
        first = 0 if self.split.every else count - 1  # tick at which the target counts
        targets = None if sample.target is None else parted(sample.target, count - first)
        for t in range(count):
            y, loss = self.tick(inputs[t], targets[t - first] if targets is not None and t >= first else None)
            yield y if t >= first else None, loss, count - first, t == count - 1
            self.ticks += 1

    def _tick(self, u: Tensor, target: Tensor | None) -> tuple[Tensor, float]:
        """Neurons, loss and credit of one tick, and the drive; returns y and the loss (0 without a target)."""
        self.before_tick()
        y, tape = self.readout.record(self.neurons.tick(u))
        zeta, value = None, 0.0
        self.weights.drive.start()
        if target is None:
            all_finite((h[0] for h in self.neurons.after), "neuron state")  # no loss will tell
        else:
            loss, zeta = self.readout.loss(y, target)
            value = self.mean_loss(loss.item())
        self.assign(tape, zeta)
        return y, value

    def assign(self, tape: Tape, zeta: Tensor | None) -> None:
        """Fill the drive; tape: of the output net at this tick, zeta: dL/dy, None where nothing counts."""
        drive = self.weights.drive
        below = None if zeta is None else self.readout.vjp(tape, zeta, drive)
        self.neurons.vjp(below, drive)
        self.after_tick(below)

    def before_tick(self) -> None:
        """Make ready what is carried from the last tick."""
        self.change_phi()

    def after_tick(self, below: Tensor | None) -> None:
        """Look at what was made; below: dL/dh of this tick, which in the explicit order does not see the new states."""
        if not self.newest:
            all_finite((h[0] for h in self.neurons.after), "neuron state")

    @property
    def steady(self) -> bool:
        """Where phi is that of the tick before."""
        return self._phi == self.loss_weight(self.ticks)

    @property
    def refuses(self) -> bool:
        """Where the weights have run away."""
        return self.bound.exceeded(self.ticks)

    def only(self, sample: Sample) -> tuple[Tensor, Tensor] | None:
        """The one tick of a sample."""
        if sample.target is None or len(ticks := self.split.ticks(sample.inputs)) != 1:
            return None
        return ticks[0], parted(sample.target, 1)[0]

    def apart(self, sample: Sample) -> Samples | None:
        """One a tick: where each counts, and of one row, for those of more do not lie together."""
        if len(sample.inputs) > 1 or sample.target is None or not self.split.every:
            return None
        row = in_a_row(self.split.ticks, sample.inputs)
        return None if row is None or len(row) == 1 else Samples(row.unsqueeze(2), sample.target.unsqueeze(1))

    def calm(self, count: int) -> int:
        """In all, once phi has risen."""
        return 0 if self.ticks < self.rise or not self.ticks else count

    def passed(self, count: int) -> None:
        """Ticks."""
        self.ticks += count

    def carried(self) -> list[Tensor | None]:
        """Of the neurons."""
        return self.neurons.carried()

    def form(self) -> Form:
        """Of the neurons."""
        return self.neurons.form()

    def carry_on(self, carried: Sequence[Tensor | None], form: Form) -> None:
        """Of the neurons."""
        self.neurons.carry_on(carried, form)

    def reads(self, count: int) -> bool:
        """In the explicit order a sum of each new state."""
        return count == (0 if self.newest else len(self.neurons.after))

    def change_phi(self) -> float:
        """Take the phi of this tick; returns by what zeta, which is z in units of tau phi, keeps z as it is."""
        before, self._phi = self._phi, self.loss_weight(self.ticks)
        return before / self._phi

    def share(self) -> Share:
        """Of this tick."""
        n, weights = self.neurons, self.weights
        return share_of(n.costates, n.before, n.after, weights.theta, weights.omega)

    def predict(self, inputs: Tensor) -> Tensor:
        """Let a copy of the neurons, of the batch's last row, go on over samples; from rest where a sample resets."""
        return self.frozen(self.lives_on).over(self.split, inputs.split(1) if self.lives_on else (inputs,))

    def frozen(self, on: bool) -> FrozenNeurons:
        """Other neurons, that go on from where these are or begin at rest."""
        return FrozenNeurons(self.neurons, self.readout, on)

    def state_dict(self) -> dict[str, Any]:
        """What the neurons carry, with the phi it is in units of, and the number of ticks so far."""
        return {"neurons": self.neurons.state_dict(), "ticks": self.ticks, "phi": self._phi}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self.neurons.load_state_dict(state["neurons"])
        self.ticks, self._phi = state["ticks"], state["phi"]
