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
from hl_cli.dynamics.hamiltonian import hamiltonian, share_of
from hl_cli.dynamics.rules.base import pure
from hl_cli.errors import BadInput, NonFinite
from hl_cli.learners.base import finite
from hl_cli.learners.export import ELSE, Run, compiled, gap_between
from hl_cli.learners.forward import ForwardLearner
from hl_cli.networks.antisymmetric import AntisymmetricBlock
from hl_cli.networks.blocks import ModuleBlock
from hl_cli.networks.online import BOUND, flat, nested
from hl_cli.networks.sequence import parted
from hl_cli.networks.splits import unopened
from hl_cli.types import LearnerRecord, Physics, Sample

CHECKED = 5  # ticks
REFUSED = {
    ModuleBlock: "a block that autograd pulls back",
    AntisymmetricBlock: "model=antisymmetric, whose exponential squares as often as its weights ask for",
}


class CompiledForward(ForwardLearner):
    """ForwardLearner, once `compile` has been called; gap: of compiled ticks to eager ones, as then found."""

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
        self._run, self._ticks = run, unopened(self.split.ticks)
        found = self._after(sample, start)
        self.gap = gap_between(found, eager)

    def _after(self, sample: Sample, start: dict[str, Any]) -> list[Tensor]:
        """Theta, omega, h and zeta some ticks later, and back again."""
        for _ in range(-(-CHECKED // len(self.split.ticks(sample.inputs)))):
            self.step(sample)
        found = [self.phase.theta.clone(), self.phase.omega.clone(), *flat(self.neurons.after)]
        pairs = zip(flat(self.neurons.after), flat(self.neurons.costates), strict=True)
        found += [torch.zeros_like(h) if z is None else z for h, z in pairs]  # compiled, an exact zero is a number
        self._back(start)
        return found

    def _back(self, start: dict[str, Any]) -> None:
        self.neurons = self._fresh()
        self.load_state_dict(start)
        self.seconds = 0.0

    @torch.no_grad()
    def _bind(self, u: Tensor) -> None:
        """Give the neurons, as they are now, tensors that stay: the graph moves them in place."""
        neurons = self.neurons
        if not neurons.after:
            neurons.begin(u.flatten(1))
        h = [tuple(part.contiguous().clone() for part in state) for state in neurons.after]
        pairs = zip(flat(h), flat(neurons.costates), strict=True)
        zeta = nested([torch.zeros_like(part) if z is None else z.contiguous().clone() for part, z in pairs], h)
        neurons.before, neurons.after, neurons.costates, self._here = h, h, list(zeta), h
        largest = torch.tensor(neurons.largest, dtype=u.dtype)
        self._bound = [largest, self.phase.theta, self.phase.omega, *flat(h), *flat(zeta)]

    def _given(self, u: Tensor, target: Tensor | None) -> list[Tensor]:
        """What it is a function of, now."""
        if self.neurons.after is not self._here:
            self._bind(u)
        before, phi = self._phi, self.loss_weight(self.ticks)
        self._phi = phi
        numbers = (float(target is not None), before / phi, -self._flow.sign * phi)
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
        c, split, like = self.coefficients, self.split, self._here
        h, zeta = states[: len(states) // 2], states[len(states) // 2 :]
        living = self._fresh()
        living.after, living.costates = nested(h, like), list(nested([z * fade for z in zeta], like))
        if not self.carry:
            living.forget()
        new = self.phase.views(theta)
        slots = {w: torch.zeros_like(w) for w in new.values()}
        drive = GradientAccumulator(slots)
        named = {name: new[p] for name, p in split.module.named_parameters() if p in new}
        with stateless._reparametrize_module(split.module, named):
            y = x = living.tick(u)
            tape = None
            if split.output is not None:
                (y,), tape = split.output.record(x, ())
            loss, below = self._loss(y, target)
            loss, below = loss * counts, below * counts
            if split.output is not None:
                below = split.output.vjp(tape, (below,), drive).x
            living.vjp(below, drive)
            drive.finish()
        g = self.phase.laid(list(slots.values()))
        phi: Any = scalars[2]
        followed, moved = pure(self.rule, theta, omega, g, c, phi)
        after = flat(living.after)
        costates = [torch.zeros_like(p) if z is None else z for z, p in zip(flat(living.costates), after, strict=True)]
        costate = torch.stack([z.abs().max() for z in costates]).max()
        most = torch.maximum(largest, below.abs().max())
        fine = torch.isfinite(moved).all()
        well = fine & torch.isfinite(loss)
        if self.carry:
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
        if self._run is None:  # what it will be checked against
            return super()._tick(u, target)
        if u.shape != self._shape:
            raise BadInput(f"compile=true: inputs {tuple(u.shape)} after {tuple(self._shape)}; {ELSE}")
        given = self._given(u, target)
        self._bound_on_weights.at(self.ticks)
        if self._observed:
            self.neurons.before = [tuple(part.clone() for part in state) for state in self._here]
            self._old = self.phase.theta.clone(), self.phase.omega.clone()
        y, numbers = self._run(given)
        loss, self.neurons.largest, costate, fine = numbers.tolist()
        finite(loss, "loss")
        if not fine:
            raise NonFinite("weight costate")
        if self.carry:
            self.neurons.bound(0.0, costate)
        return y, loss

    def _physics(self, loss: float) -> Physics:
        """Of before the weights moved."""
        share = share_of(self.neurons.costates, self.neurons.before, self.neurons.after, *self._old)
        c = self.coefficients
        return hamiltonian(loss, self.loss_weight(self.ticks), [share], c.beta, c.tau)

    def _move(self) -> None:
        """They have."""
        if self._run is None:
            super()._move()
        else:
            self.ticks += 1
