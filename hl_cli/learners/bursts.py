"""engine=replay and engine=compiled without Python between periods: one sample a call, or many.

What a period depends on is foretold: the drive, what is carried and phi are known without running the period before.
So plans of the periods to come take turns, up to the first thing that is otherwise: a sample of another shape, a tick
at which the weights are looked at, a number that is not finite.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from time import perf_counter
from typing import Any

import torch
from torch import Tensor

from hl_cli.engine.turns import Taken, Turns
from hl_cli.learners.kinds import kind_after, kind_of
from hl_cli.learners.recording import Replay
from hl_cli.types import LearnerRecord, Sample

TURNS = 2  # plans that may take turns: omega and the drive change places, or do not
AHEAD = 1000  # periods that are foretold


class Foretold:
    """The periods to come of a learner, as long as nothing but `take` changes it.

    kinds: which take turns; inputs, target: how those of a sample lie; left: periods of which that is known.
    """

    def __init__(self, learner: Any, kinds: Sequence[Replay], turns: Turns, sample: Sample, left: int) -> None:
        self._learner, self._kinds, self._turns, self.left = learner, kinds, turns, left
        self._inputs, self._target = sample.inputs.shape, sample.target.shape  # type: ignore[union-attr]
        self._types = sample.inputs.dtype, sample.target.dtype  # type: ignore[union-attr]
        self._exchanges = any(one.exchanges for one in kinds)
        self._next = 0  # whose turn it is
        self._places, self._read = (ctypes.c_void_p * 2)(), (ctypes.c_double * turns.numbers)()  # of one sample

    def fits(self, sample: Sample) -> bool:
        """Whether it is one of those that were foretold."""
        inputs, target = sample.inputs, sample.target
        return (
            target is not None
            and inputs.shape == self._inputs
            and target.shape == self._target
            and (inputs.dtype, target.dtype) == self._types
            and inputs.is_contiguous()
            and target.is_contiguous()
        )

    def one(self, sample: Sample) -> tuple[Tensor, float] | None:
        """Take it: y and the loss; None where a number is not finite, and the learner waits to take it otherwise."""
        places, y = self._places, self._turns.said.room()
        places[0], places[1] = sample.inputs.data_ptr(), sample.target.data_ptr()  # type: ignore[union-attr]
        found = self._take(1, places, y, self._read)
        return (y, 0.0 + self._read[0]) if found.done else None

    def many(self, samples: Sequence[Sample], watched: Sequence[Tensor]) -> tuple[Taken, Tensor, list[float]]:
        """Take them, which fit, or as many as a call takes: with y and the loss of each."""
        count, numbers = len(samples), self._turns.numbers
        places, read = (ctypes.c_void_p * (2 * count))(), (ctypes.c_double * (numbers * count))()
        places[::2] = [one.inputs.data_ptr() for one in samples]
        places[1::2] = [one.target.data_ptr() for one in samples]  # type: ignore[union-attr]
        y = self._turns.said.many(count)
        found = self._take(count, places, y, read, watched)
        return found, y[: found.done], [0.0 + loss for loss in read[: found.done * numbers : numbers]]

    def _take(self, count: int, places: Any, y: Tensor, read: Any, watched: Sequence[Tensor] = ()) -> Taken:
        """Take them, and be as after them."""
        of, credit, phase, kinds = self._learner, self._learner.credit, self._learner.phase, self._kinds
        carried = [one for one in credit.carried() if one is not None]
        pace: Sequence[float] = ()
        if of.paced:
            pace = [rate for k in range(1, count + 1) for rate in of.rule.pace(of.coefficients, phase.taken + k)]
        found = self._turns.take(self._next, count, places, carried, y, read, pace, watched)
        done, begin = found.done, self._next
        if carried:
            last = kinds[(begin + max(done, 1) - 1) % len(kinds)]
            credit.carry_on(last.carried(found.carried), last.form)
        if done:
            credit.passed(done)
            if self._exchanges and sum(kinds[(begin + k) % len(kinds)].exchanges for k in range(done)) % 2:
                phase.exchange()
            phase.taken += done
            of.steps, of.moves, of.replayed = of.steps + done, of.moves + done, of.replayed + done
            self._next, self.left = (begin + done) % len(kinds), self.left - done
        if found.stopped:
            numbers = self._turns.numbers
            of.foretold = None
            of.pending = self._turns.left(self._next), list(read[done * numbers : (done + 1) * numbers])
        return found


def foretell(learner: Any, sample: Sample) -> Foretold | None:
    """What is known of the periods that begin with this sample; None where that is not two of them at least."""
    credit, c, phase = learner.credit, learner.coefficients, learner.phase
    alone = learner.update_every == 1 and learner.betas is None and not learner.gathered and learner.moves
    if learner.eager_because or not alone or not learner.moves_weights or not credit.steady:
        return None
    asked = credit.only(sample) if type(sample) is Sample else None
    left = credit.calm(AHEAD)
    if asked is None or left < 1 or credit.phi(c, learner.moves) != credit.phi(c, learner.moves + left):
        return None
    kinds = _turns(learner, *asked)
    begins = [_begin(one) for one in (sample.inputs, sample.target, *asked)]
    drives = [phase.drive, *([phase.other_drive] if any(one.exchanges for one in kinds) else [])]
    if not kinds or None in begins or begins[:2] != begins[2:] or any(any(drive.noted()) for drive in drives):
        return None
    known = tuple(map(id, kinds))
    if known not in learner.turns:
        learner.turns[known] = Turns([one.running.native for one in kinds if one.running.native is not None], 2)
    turns = learner.turns[known]
    return Foretold(learner, kinds, turns, sample, left) if turns.alike else None


def _begin(one: Tensor | None) -> int | None:
    """Where it lies, if without gaps and in order."""
    return one.data_ptr() if one is not None and one.is_contiguous() else None


def several(
    learner: Any, samples: Sequence[Sample], watched: Sequence[Tensor]
) -> Iterator[tuple[LearnerRecord, Tensor | None]]:
    """The records of the first of the samples, as many as one call takes, and what is watched after each.

    learner: a ReplayedLearner. Nothing is taken where it cannot be foretold. A period that was stopped is finished by
    `step`, which raises NonFinite, or goes on where that is right.
    """
    start = perf_counter()
    known = learner.foretold
    if known is None or not known.left:
        known = learner.foretold = foretell(learner, samples[0]) if len(samples) > 1 else None
    if known is None:
        return
    count = 0
    for one in samples[: known.left]:
        if type(one) is not Sample or not known.fits(one):
            break
        count += 1
    if not count:
        learner.foretold = None
        return
    found, y, losses = known.many(samples[:count], watched)
    learner.seconds += perf_counter() - start
    for k, loss in enumerate(losses):
        yield LearnerRecord(y[k], loss), None if found.rows is None else found.rows[k]
    if found.stopped:
        try:
            said = learner.step(samples[found.done])
        finally:
            learner.pending = None
        yield said, torch.cat(list(watched)) if watched else None


def _turns(learner: Any, inputs: Tensor, target: Tensor) -> list[Replay]:
    """What takes turns from now on, as long as samples are like this one; nothing where that is not known."""
    phase, turns = learner.phase, list[Replay]()
    kind = kind_of(learner, inputs, target, True)
    for _ in range(TURNS + 1):
        found = learner.kinds.get(kind)
        native = found.running.native if found is not None and found.proven else None
        if native is None or not native.steady:
            return []
        if turns and found is turns[0]:
            return turns
        turns.append(found)
        drive = phase.drive if sum(one.exchanges for one in turns) % 2 == 0 else phase.other_drive
        kind = kind_after(learner, drive, inputs, target, found.form, found.shapes, True)
    return []
