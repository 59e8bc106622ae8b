r"""HL with `engine=replay`: the PyTorch calls of a learning period are recorded and then made again without Python.

    (inputs, target, what is carried, numbers that differ from step to step)
        ->  (y, what is carried on, the numbers that Python had read); the drive is summed, theta and omega move

Each kind of period, of those shapes, with these coefficients, is recorded twice. Where both have the same calls on the
same tensors, the program of the first is run from where the second began, and must leave the same bits in all that the
learner keeps, in y and in the loss. Only then does it take the place of eager periods. Observed steps stay eager.

Where the weight step cannot be a part of it, as with a rate that a schedule changes, the program ends with the drive.
A period with a number that is not finite before the weights move is taken again eagerly, which says what it is. What
cannot be recorded at all runs eagerly; one line says why.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from contextlib import ExitStack
from time import perf_counter
from typing import Any

from torch import Tensor

from hl_cli.engine.driver import driver
from hl_cli.engine.program import Program
from hl_cli.engine.recorder import Unrecordable, recorded
from hl_cli.engine.turns import Turns
from hl_cli.learners.bursts import Foretold, foretell, known, several
from hl_cli.learners.by_period import by_period
from hl_cli.learners.hamiltonian import HamiltonianLearner
from hl_cli.learners.kinds import entered, kind_of
from hl_cli.learners.listening import Listening
from hl_cli.learners.recording import Recording, Replay
from hl_cli.types import LearnerRecord, LearnerRecords, Sample

KINDS = 16  # of periods that are recorded; a rate that changes at every step would make one each time


class ReplayedLearner(HamiltonianLearner):
    """replayed: periods so far without Python; eager_because: why there are no more; native: whether by the driver."""

    engine, replayed = "replay", 0
    eager_because = ""
    _whole = True  # whether the weight step is a part of the program
    _observed = _alone = False  # whether this period is, whether it ran without Python
    _open: Recording | None = None
    pending: tuple[list[Tensor], list[float]] | None = None  # what the period that comes leaves and reads, if known
    foretold: Foretold | None = None  # what is known of the periods to come
    _again = False  # whether the last step ran without Python
    _moved: tuple[float, bool] | None = None  # in this period already: the sum of omega, whether buffers changed places

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kinds: dict[Any, Replay] = {}
        self.turns: dict[tuple[int, ...], Turns] = {}
        self.paced = bool(self.rule.pace(self.coefficients, 1))  # whether numbers of the rule differ from step to step
        self.native = driver()
        self._eager, self.credit.tick = self.credit.tick, self._tick
        self._listening = Listening(self.credit, self._lower) if self.native and self.credit.lives_on else None

    def step(self, sample: Sample, observe: bool = False) -> LearnerRecord:
        """As HamiltonianLearner.step; in a few microseconds where the period was foretold."""
        if self.foretold is not None and not observe and (here := known(self, sample)) is not None:
            start = perf_counter()
            if (found := here.one(sample)) is not None:
                self.seconds += perf_counter() - start
                return LearnerRecord(*found)
        before = self.replayed
        try:
            said = super().step(sample, observe)
        finally:
            self.pending = None
        twice, self._again = self._again, self.replayed > before and self.native
        if twice and self._again and not self.credit.rests and self.foretold is None:
            self.foretold = foretell(self, sample)
        return said

    def _learn(self, sample: Sample, observe: bool) -> LearnerRecord:
        periods = self.credit.apart(sample) if self.native else None
        return self.learn(sample, observe) if periods is None else by_period(self, periods, observe)

    def learn(self, sample: Sample, observe: bool) -> LearnerRecord:
        """Of the sample or the period of one, by calls of Python between recorded ones, if there are any."""
        self._observed, self._alone, self._open, self.foretold = observe, False, None, None
        with ExitStack() as self._recorder:  # a period that raises ends its recording
            return super()._learn(sample, observe)

    def several(self, samples: Sequence[Sample], watched: Sequence[Tensor]) -> LearnerRecords | None:
        """As many of the first samples as one native call can take, see hl_cli.learners.bursts; none without driver."""
        return several(self, samples, watched) if self.native and not self.credit.rests else None

    def _tick(self, inputs: Tensor, target: Tensor | None) -> tuple[Tensor, float]:
        """A period, as the credit takes it."""
        phase = self.phase
        if self._observed or self.eager_because or phase.waiting is None or not self.credit.steady:
            return self._eager(inputs, target)
        moves = self.moves_weights
        kind = kind_of(self, inputs, target, moves)
        found = self.kinds.get(kind)
        if found is not None and found.proven:
            return self._replay(found, inputs, target)
        return self._record(kind, inputs, target, moves)

    def _record(self, kind: Any, inputs: Tensor, target: Tensor | None, moves: bool) -> tuple[Tensor, float]:
        """An eager period, and a recording of it."""
        pace = self.rule.pace(self.coefficients, self.phase.taken + 1) if moves else ()
        opened = self._open = Recording(self, kind, inputs, target, pace, moves)
        opened.calls = self._recorder.enter_context(recorded())
        y, loss = self._eager(inputs, target)
        opened.said(y, loss)
        if not moves:
            self._close(opened)
        return y, loss

    def _say(self, inputs: Tensor) -> Tensor:
        found = None if self._listening is None else self._listening(inputs)
        return super()._say(inputs) if found is None else found

    def _lower(self, program: Program, given: Sequence[Tensor], left: Sequence[Tensor]) -> Program:
        """What is run of a tick whose weights stay."""
        return program

    @property
    def moves_weights(self) -> bool:
        """Whether the weights take their step at the end of this period, and its program with them."""
        credit, phase = self.credit, self.phase
        alike = self._whole and not phase.waiting and not phase.apart
        return alike and self.gathered + 1 >= self.update_every and not credit.refuses

    def _gather(self) -> None:
        super()._gather()
        self.replayed, self._alone = self.replayed + self._alone, False
        if self._open is not None:
            self._close(self._open)

    def _close(self, opened: Recording) -> None:
        """A period of a kind that is not proven has been recorded."""
        self._recorder.close()
        self._open = None
        try:
            replay = opened.replay()
            found = entered(self.kinds, opened.kind, replay)
            if self._count() > KINDS:
                raise Unrecordable(f"it has more than {KINDS} kinds of steps, as where its rate changes at each")
            if found is not None:
                self._prove(opened, found, replay)
        except Unrecordable as why:
            self._forget()
            if self._whole:
                self._whole = False
                return
            self.eager_because = str(why)
            warnings.warn(f"engine={self.engine}: {self.name} runs eagerly: {why}", stacklevel=2)

    def _count(self) -> int:
        return len(self.kinds)

    def _forget(self) -> None:
        self.kinds.clear()
        self.turns.clear()
        self.foretold = None

    def _prove(self, opened: Recording, found: Replay, again: Replay) -> None:
        """A kind of period has been recorded again."""
        opened.prove(found, again)

    def _replay(self, found: Replay, inputs: Tensor, target: Tensor | None) -> tuple[Tensor, float]:
        """A period without Python."""
        credit = self.credit
        pace = self.rule.pace(self.coefficients, self.phase.taken + 1) if found.moves else ()
        known, self.pending = self.pending, None
        (y, *left), numbers = known or found.run(inputs, target, credit.carried(), pace)
        read = numbers[:-1] if found.moves else numbers
        if not all(map(math.isfinite, numbers if found.fused else read)):  # kernels then have moved nothing
            return self._eager(inputs, target)
        self._moved = (numbers[-1], found.exchanges) if found.moves else None
        credit.carry_on(found.carried(left), found.form)
        self.phase.drive.note(*found.flags)
        self._alone = True
        return y, 0.0 if target is None else credit.mean_loss(read[0])

    def _move(self) -> None:
        """They have, where the program had their step."""
        moved, self._moved = self._moved, None
        if moved is None:
            super()._move()
            return
        total, exchanges = moved
        self.phase.finish()
        if exchanges:
            self.phase.exchange()
        if not math.isfinite(total):  # raises unless the sum alone has overflown; then the weights have moved
            self.credit.check()(self.phase.omega)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there. What was recorded at another count of steps is recorded anew."""
        super().load_state_dict(state)
        self._forget()
