r"""HL with `engine=replay`: the calls that one eager step makes are recorded and then made again without Python.

A step is recorded twice. Where both recordings have the same calls on the same tensors, the program of the first is
run from where the second began, and must leave the same bits in theta, omega and all else that the learner keeps, in
the prediction and in the loss. Only then does it take the place of eager steps of its kind: of samples of that shape,
with these coefficients. Measured steps are eager, for they read more than a step needs.

What cannot be recorded runs eagerly; one line says why.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import torch
from torch import Tensor

from hl_cli.engine.program import Program
from hl_cli.engine.recorder import Call, Unrecordable, recorded
from hl_cli.learners.hamiltonian import HamiltonianLearner
from hl_cli.streams.base import as_sample
from hl_cli.types import LearnerRecord, Sample

KINDS = 16  # of steps that are recorded; a rate that changes at every step would make one each time
NUMBERS = 2  # that a step reads: its loss, and the sum of omega


@dataclass
class _Recorded:
    """A kind of step; exchanges: whether omega and the drive change places in it; proven: whether it has run alone."""

    program: Program
    exchanges: bool
    proven: bool = False


class ReplayedLearner(HamiltonianLearner):
    """A learner with credit `backward`. replayed: steps so far without Python; eager_because: why there are no more."""

    replayed = 0
    eager_because = ""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._kinds: dict[Any, _Recorded] = {}

    def _step(self, sample: Sample, observe: bool) -> LearnerRecord:
        sample, phase = as_sample(sample), self.phase
        if observe or self.eager_because or sample.target is None or phase.waiting or phase.waiting is None:
            return super()._step(sample, observe)
        phi = self.credit.phi(self.coefficients, self.moves)
        shapes = sample.inputs.shape, sample.inputs.dtype, sample.target.shape, sample.target.dtype
        kind = (id(phase.omega), *shapes, self.coefficients, phi)
        found = self._kinds.get(kind)
        if found is not None and found.proven:
            return self._replay(found, sample)
        before, draws, omega = self.state_dict() if found else {}, torch.get_rng_state(), phase.omega
        with recorded() as calls:
            record = super()._step(sample, False)
        try:
            recording = self._recording(calls, sample, record, phase.omega is not omega)
            if found is None and len(self._kinds) == KINDS:
                raise Unrecordable(f"it has more than {KINDS} kinds of steps, as where its rate changes at each")
            if found is None:
                self._kinds[kind] = recording
            else:
                self._prove(found, recording, sample, record, before, draws)
        except Unrecordable as why:
            self.eager_because = str(why)
            self._kinds.clear()
            warnings.warn(f"engine=replay: {self.name} runs eagerly: {why}", stacklevel=2)
        return record

    def _recording(self, calls: list[Call], sample: Sample, record: LearnerRecord, exchanges: bool) -> _Recorded:
        if self.phase.resting:
            raise Unrecordable("some weights have no gradient")
        assert sample.target is not None
        program = Program(calls, (sample.inputs, sample.target), record.prediction)
        if program.numbers != NUMBERS:
            raise Unrecordable(f"Python reads {program.numbers} numbers in a step, not {NUMBERS}")
        return _Recorded(program, exchanges)

    def _prove(
        self,
        found: _Recorded,
        again: _Recorded,
        sample: Sample,
        record: LearnerRecord,
        before: dict[str, Any],
        draws: Tensor,
    ) -> None:
        """Run the program from where the second recording began: all has to come out as it did."""
        if not found.program.same(again.program) or found.exchanges != again.exchanges:
            raise Unrecordable("its calls differ from step to step")
        after, seconds, drawn = self.state_dict(), self.seconds, torch.get_rng_state()
        if found.exchanges:
            self.phase.exchange()
        self.load_state_dict(before)
        torch.set_rng_state(draws)
        said = self._replay(found, sample)
        found.proven = (
            _equal(self.state_dict(), after)
            and torch.equal(said.prediction, record.prediction)
            and said.loss == record.loss
            and torch.equal(torch.get_rng_state(), drawn)
        )
        self.load_state_dict(after)
        torch.set_rng_state(drawn)
        self.seconds, self.replayed = seconds, self.replayed - 1
        if not found.proven:
            raise Unrecordable("without Python it has other bits")
        found.program.forget()

    def _replay(self, found: _Recorded, sample: Sample) -> LearnerRecord:
        """A step, as HamiltonianLearner takes it."""
        start = perf_counter()
        assert sample.target is not None
        y, (loss, total) = found.program(sample.inputs, sample.target)
        value = self.credit.mean_loss(loss)
        if found.exchanges:
            self.phase.exchange()
        self.phase.taken += 1
        if not math.isfinite(total):  # raises unless the sum alone has overflown; then the weights have moved
            self.credit.check()(self.phase.omega)
        self.steps, self.moves, self.replayed = self.steps + 1, self.moves + 1, self.replayed + 1
        self._advance()
        self.seconds += perf_counter() - start
        return LearnerRecord(y, value)


def _equal(a: Any, b: Any) -> bool:
    """Whether two states are the same, bit by bit."""
    if isinstance(a, Tensor):
        return torch.equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(_equal(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(_equal, a, b))
    return bool(a == b)
