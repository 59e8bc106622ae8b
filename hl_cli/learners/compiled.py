r"""Credit `forward` with its whole tick exported once, as one graph of machine code: `compile=true`.

The tick is a function of all that it depends on, through the very blocks, costates and losses of the eager learner,

    (u, target, [counts, fade, phi], largest, theta, omega, h, zeta)  to  (y, numbers)

which moves the last five in place, theta and omega only where all is well: numbers are the loss, the
largest |dL/dh| so far, the largest |zeta'|, and whether omega' is finite. counts: 1 where a target counts, else 0;
fade: what zeta is multiplied by before the tick, where phi changes; phi: that of the weight step. It may add up in
another order than the eager one, so it is another arithmetic: some ticks are taken in both ways first, and more than
round-off is refused.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn.utils import stateless

from hl_cli.dynamics.accumulator import GradientAccumulator
from hl_cli.dynamics.guards import finite
from hl_cli.dynamics.hamiltonian import Share, share_of
from hl_cli.dynamics.rules.base import pure
from hl_cli.errors import BadInput, NonFinite, Unbounded
from hl_cli.learners.export import ELSE, Run, compiled, gap_between
from hl_cli.learners.hamiltonian import HamiltonianLearner
from hl_cli.networks.antisymmetric import AntisymmetricBlock
from hl_cli.networks.blocks import ModuleBlock
from hl_cli.networks.costate_bound import BOUND
from hl_cli.networks.online import flat, nested
from hl_cli.networks.sequence import parted
from hl_cli.networks.splits import unopened
from hl_cli.networks.trace_units import TraceUnitsBlock
from hl_cli.types import LearnerRecord, Sample

CHECKED = 5  # ticks
REFUSED = {
    ModuleBlock: "a block that autograd pulls back",
    TraceUnitsBlock: "model=trace_units, whose numbers are complex",
    AntisymmetricBlock: "model=antisymmetric, whose exponential squares as often as its weights ask for",
}


class CompiledForward(HamiltonianLearner):
    """A learner with credit `forward`, once `compile` was called; gap: of compiled ticks to eager ones, as found."""

    _run: Run | None = None
    _numbers: tuple[float, ...] = ()
    _here: Any = None  # the states that are bound
    _observed = False
    gap = 0.0

    def compile(self, sample: Sample) -> None:
        """Compile for samples like this one and check it; raises BadInput where that cannot be done."""
        for block in self.split.blocks:
            for kind, said in REFUSED.items():
                if isinstance(block, kind):
                    raise BadInput(f"compile=true: not for {said}; {ELSE}")
        ticks = unopened(self.split.ticks)(sample.inputs)
        if sample.target is None:
            raise BadInput(f"compile=true: the first sample has no target to compile for; {ELSE}")
        first, *_ = parted(sample.target, len(ticks) if self.split.every else 1)
        self._target, self._shape = torch.zeros_like(first), ticks[0].shape
        start = self.state_dict()
        try:
            eager = self._after(sample, start)
        except NonFinite as stop:
            raise BadInput(
                f"compile=true: nothing to check it against, for {stop} in its first ticks; {ELSE}"
            ) from stop
        with torch.no_grad():
            run = compiled(self._function, self._given(ticks[0], self._target))
        self._back(start)
        self._run, self.credit.tick, self.credit.ticks_of = run, self._tick, unopened(self.split.ticks)
        found = self._after(sample, start)
        self.gap = gap_between(found, eager)

    def _after(self, sample: Sample, start: dict[str, Any]) -> list[Tensor]:
        """Theta, omega, h and zeta some ticks later, and back again."""
        for _ in range(-(-CHECKED // len(self.split.ticks(sample.inputs)))):
            self.step(sample)
        found = [self.phase.theta.clone(), self.phase.omega.clone(), *flat(self.credit.neurons.after)]
        pairs = zip(flat(self.credit.neurons.after), flat(self.credit.neurons.costates), strict=True)
        found += [torch.zeros_like(h) if z is None else z for h, z in pairs]  # compiled, an exact zero is a number
        self._back(start)
        return found

    def _back(self, start: dict[str, Any]) -> None:
        self.credit.neurons = self.credit.chain()
        self.load_state_dict(start)
        self.seconds = 0.0

    @torch.no_grad()
    def _bind(self, u: Tensor) -> None:
        """Give the neurons, as they are now, tensors that stay: the graph moves them in place."""
        neurons = self.credit.neurons
        if not neurons.after or not neurons.costates:
            neurons.begin(u.flatten(1))
        h = [tuple(part.contiguous().clone() for part in state) for state in neurons.after]
        pairs = zip(flat(h), flat(neurons.costates), strict=True)
        zeta = nested([torch.zeros_like(part) if z is None else z.contiguous().clone() for part, z in pairs], h)
        neurons.before, neurons.after, neurons.costates, self._here = h, h, list(zeta), h
        largest = torch.tensor(neurons.bound.largest, dtype=u.dtype)
        self._bound = [largest, self.phase.theta, self.phase.omega, *flat(h), *flat(zeta)]

    def _given(self, u: Tensor, target: Tensor | None) -> list[Tensor]:
        """What it is a function of, now."""
        if self.credit.neurons.after is not self._here or not self.credit.neurons.costates:
            self._bind(u)
        credit = self.credit
        fade, (phi, _) = credit.change_phi(), credit.phi(self.coefficients, self.steps)
        numbers = (float(target is not None), fade, credit.sign * phi)
        if numbers != self._numbers:
            self._numbers = numbers
            self._scalars = torch.tensor(numbers, dtype=torch.float64)
        target = self._target if target is None else target.contiguous()
        return [u.contiguous(), target, self._scalars, *self._bound]

    def _function(self, *given: Tensor) -> tuple[Tensor, ...]:
        """The tick, as at the head of this file."""
        (u, target, scalars, largest, theta, omega), states = given[:6], given[6:]
        counts, fade = scalars[:2].to(u.dtype).unbind()
        u = u.flatten(1)  # within the graph it costs nothing
        c, credit, like = self.coefficients, self.credit, self._here
        h, zeta = states[: len(states) // 2], states[len(states) // 2 :]
        chain = credit.chain()
        chain.after, chain.costates = nested(h, like), list(nested([z * fade for z in zeta], like))
        if not credit.carry:
            chain.forget()
        new = self.phase.views(theta)
        slots = {w: torch.zeros_like(w) for w in new.values()}
        drive = GradientAccumulator(slots)
        named = {name: new[p] for name, p in self.split.module.named_parameters() if p in new}
        with stateless._reparametrize_module(self.split.module, named):
            y, tape = credit.readout.record(chain.tick(u))
            loss, below = credit.readout.loss(y, target)
            loss, below = loss * counts, below * counts
            below = credit.readout.vjp(tape, below, drive)
            chain.vjp(below, drive)
            drive.finish()
        g = self.phase.laid(list(slots.values()))
        phi: Any = scalars[2]
        followed, moved = pure(self.rule, theta, omega, g, c, phi)
        after = flat(chain.after)
        costates = [torch.zeros_like(p) if z is None else z for z, p in zip(flat(chain.costates), after, strict=True)]
        costate = torch.stack([z.abs().max() for z in costates]).max()
        most = torch.maximum(largest, below.abs().max())
        fine = torch.isfinite(moved).all()
        well = fine & torch.isfinite(loss)
        if credit.carry:
            well = well & ~(costate > BOUND * most)
        numbers = torch.stack((loss, most, costate, fine.to(loss.dtype)))
        y = y.clone()  # it may be h itself, which moves below
        theta.copy_(torch.where(well, followed, theta))
        omega.copy_(torch.where(well, moved, omega))
        largest.copy_(most)
        for old, now in zip(states, (*after, *costates), strict=True):
            old.copy_(now)
        return y, numbers

    def step(self, sample: Sample, observe: bool = False) -> LearnerRecord:
        """As the eager learner's; the graph records nothing, so that nobody has to be told not to."""
        self._observed = observe
        return super().step(sample, observe) if self._run is None else self._step(sample, observe)

    def _tick(self, u: Tensor, target: Tensor | None) -> tuple[Tensor, float]:
        """The compiled tick, in which the weights have moved unless it raises."""
        if u.shape != self._shape:
            raise BadInput(f"compile=true: inputs {tuple(u.shape)} after {tuple(self._shape)}; {ELSE}")
        given = self._given(u, target)
        self.credit.check()
        if self._observed:
            self.credit.neurons.before = [tuple(part.clone() for part in state) for state in self._here]
            self._old = self.phase.theta.clone(), self.phase.omega.clone()
        assert self._run is not None
        y, numbers = self._run(given)
        loss, largest, costate, fine = numbers.tolist()
        self.credit.neurons.bound.set(largest)
        finite(loss, "loss")
        if not fine:
            raise NonFinite("weight costate")
        if self.credit.carry and costate > BOUND * largest:
            raise Unbounded("neuron costate")
        return y, loss

    def _share(self) -> Share:
        """Of before the weights moved."""
        if self._run is None:
            return super()._share()
        neurons = self.credit.neurons
        return share_of(neurons.costates, neurons.before, neurons.after, *self._old)

    def _move(self) -> None:
        """They have, once it is compiled."""
        if self._run is None:
            super()._move()
