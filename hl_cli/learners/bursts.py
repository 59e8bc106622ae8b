"""engine=replay and engine=compiled without Python between periods: one sample a call, or many.

What a period depends on is foretold: the drive, what is carried and phi are known without running the period before.
So plans of the periods to come take turns, up to the first thing that is otherwise: a sample of another shape, weights
that have run away, a number that is not finite. A sample of many periods is taken as so many samples of one.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from time import perf_counter
from typing import Any

import numpy as np
from torch import Tensor

from hl_cli.dynamics.accumulator import GradientAccumulator
from hl_cli.engine.turns import Taken, Turns
from hl_cli.learners.kinds import in_turns
from hl_cli.learners.recording import Replay
from hl_cli.streams.samples import Samples
from hl_cli.types import LearnerRecords, Sample

AHEAD = 1000  # periods that are foretold


class Foretold:
    """The periods to come of a learner, as long as nothing but this changes it.

    kinds: which take turns; sample: one like those to come; left: periods of which all is known. What is carried on
    lies where it is, and is that of the last period taken.
    """

    def __init__(self, learner: Any, kinds: Sequence[Replay], turns: Turns, sample: Sample, left: int) -> None:
        self._learner, self._kinds, self._turns, self.left = learner, kinds, turns, left
        self._form = _form(sample)
        self._exchanges = [one.exchanges for one in kinds]
        self._next = 0  # whose turn it is
        self._places, self._read = (ctypes.c_void_p * 2)(), (ctypes.c_double * turns.numbers)()  # of one sample
        before = [one for one in learner.credit.carried() if one is not None]
        kept = [form.room().copy_(one) for form, one in zip(turns.carried, before, strict=True)]
        self._carried = (ctypes.c_void_p * len(kept))(*(one.data_ptr() for one in kept))
        if kept:
            learner.credit.carry_on(kinds[0].carried(kept), kinds[0].form)

    def fits(self, sample: Sample) -> bool:
        """Whether it is one of those that were foretold."""
        return type(sample) is Sample and _form(sample) == self._form

    def one(self, sample: Sample) -> tuple[Tensor, float] | None:
        """Take it: y and the loss; None where a number is not finite, and the learner waits to take it otherwise."""
        places, y = self._places, self._turns.said.room()
        places[0], places[1] = sample.inputs.data_ptr(), sample.target.data_ptr()  # type: ignore[union-attr]
        found = self._take(1, places, y, self._read)
        return (y, 0.0 + self._read[0]) if found.done else None

    def fitting(self, samples: Sequence[Sample]) -> int:
        """How many of the first were foretold, of which the very first is one."""
        if self.left < len(samples):
            self.left = _calm(self._learner)
        most = min(len(samples), self.left)
        one_form = isinstance(samples, Samples)
        return most if one_form else next((k for k in range(1, most) if not self.fits(samples[k])), most)

    def many(self, samples: Sequence[Sample], watched: Sequence[Tensor]) -> LearnerRecords | None:
        """Take them, which fit, or as many as a call takes."""
        count, numbers = len(samples), self._turns.numbers
        places, read = _places(samples), (ctypes.c_double * (numbers * count))()
        y = self._turns.said.many(count)
        found = self._take(count, places.ctypes.data, y, read, watched)
        losses = 0.0 + np.frombuffer(read)[: found.done * numbers : numbers]
        return LearnerRecords(y[: found.done], losses, found.rows) if found.done else None

    def _take(self, count: int, places: Any, y: Tensor, read: Any, watched: Sequence[Tensor] = ()) -> Taken:
        """Take them, and be as after them."""
        of, phase, kinds, begin = self._learner, self._learner.phase, self._kinds, self._next
        pace: Sequence[float] = ()
        if of.paced:
            pace = [rate for k in range(1, count + 1) for rate in of.rule.pace(of.coefficients, phase.taken + k)]
        found = self._turns.take(begin, count, of.credit.ticks, places, self._carried, y, read, pace, watched)
        done = found.done
        if done:
            of.credit.passed(done)
            if self._exchanged(begin, done) % 2:
                phase.exchange()
            phase.taken += done
            of.steps, of.moves, of.replayed = of.steps + done, of.moves + done, of.replayed + done
            self._next, self.left = (begin + done) % len(kinds), self.left - done
        if found.stopped:
            numbers = self._turns.numbers
            of.foretold = None
            of.pending = self._turns.left(self._next), list(read[done * numbers : (done + 1) * numbers])
        return found

    def _exchanged(self, begin: int, done: int) -> int:
        """How often omega and the drive have changed places."""
        turns, rest = divmod(done, len(self._exchanges))
        around = self._exchanges[begin:] + self._exchanges[:begin]
        return turns * sum(around) + sum(around[:rest])


def known(learner: Any, sample: Sample) -> Foretold | None:
    """What is known of the periods from this sample on, as far as it is one that was foretold."""
    found: Foretold | None = learner.foretold
    if found is None or not found.fits(sample):
        return None
    found.left = found.left or _calm(learner)
    return found if found.left else None


def _calm(learner: Any) -> int:
    """In how many periods to come the weights move, as in this one."""
    credit, c = learner.credit, learner.coefficients
    left: int = credit.calm(AHEAD) if learner.moves_weights and credit.steady else 0
    return left if credit.phi(c, learner.moves) == credit.phi(c, learner.moves + left) else 0


def _form(sample: Sample) -> Any:
    """How it lies; None where it has no target, or gaps."""
    inputs, target = sample.inputs, sample.target
    if target is None or not inputs.is_contiguous() or not target.is_contiguous():
        return None
    return inputs.shape, target.shape, inputs.dtype, target.dtype


def foretell(learner: Any, sample: Sample) -> Foretold | None:
    """What is known of the periods that begin with this sample; None where that is nothing."""
    phase = learner.phase
    alone = learner.update_every == 1 and learner.betas is None and not learner.gathered and learner.moves
    if learner.eager_because or not alone or type(sample) is not Sample or not (left := _calm(learner)):
        return None
    asked = learner.credit.only(sample)
    if asked is None:
        return None
    kinds = in_turns(learner, *asked)
    begins = [_begin(one) for one in (sample.inputs, sample.target, *asked)]
    alike = all(one.form == kinds[0].form and one.shapes == kinds[0].shapes for one in kinds)
    drives = [phase.drive, *([phase.other_drive] if any(one.exchanges for one in kinds) else [])]
    if not kinds or not alike or None in begins or begins[:2] != begins[2:] or any(map(_noted, drives)):
        return None
    which = tuple(map(id, kinds))
    if which not in learner.turns:
        plans = [one.running.native for one in kinds if one.running.native is not None]
        learner.turns[which] = Turns(plans, 2, learner.credit.bound)
    turns = learner.turns[which]
    return Foretold(learner, kinds, turns, sample, left) if turns.alike else None


def _noted(drive: GradientAccumulator) -> bool:
    return any(drive.noted())


def _begin(one: Tensor | None) -> int | None:
    """Where it lies, if without gaps and in order."""
    return one.data_ptr() if one is not None and one.is_contiguous() else None


def _places(samples: Sequence[Sample]) -> np.ndarray:
    """Where the inputs and the target of each lie."""
    places = np.empty((len(samples), 2), np.int64)
    if isinstance(samples, Samples):
        for k, part in enumerate((samples.inputs, samples.target)):
            places[:, k] = part.data_ptr() + part.stride(0) * part.element_size() * np.arange(len(samples))
    else:
        places[:] = [(one.inputs.data_ptr(), one.target.data_ptr()) for one in samples]  # type: ignore[union-attr]
    return places


def several(learner: Any, samples: Sequence[Sample], watched: Sequence[Tensor]) -> LearnerRecords | None:
    """The records of the first of the samples, as many as one call takes, and what is watched after each.

    learner: a ReplayedLearner. Nothing is taken where it cannot be foretold. A period that was stopped is finished by
    the next `step`, which raises NonFinite, or goes on where that is right.
    """
    start = perf_counter()
    if not samples or learner.pending is not None:
        return None
    first = samples[0]
    here = known(learner, first)
    if here is None and len(samples) > 1:
        here = learner.foretold = foretell(learner, first)
    found = None if here is None else here.many(samples[: here.fitting(samples)], watched)
    learner.seconds += perf_counter() - start
    return found
