"""HL with `engine=compiled`: the calls of a learning period are recorded, and kernels fused of them take their place.

All is as with engine=replay, but the bits: a kind of period that is proven, and in which the weights move, is given to
a compiler, and its kernels run where they are no more than round-off from the recorded calls. Periods in which the
weights do not move are replayed, observed steps are eager. A number that is not finite stops a period before anything
has moved, and the period is taken again eagerly, which says what it is.

The first period of a kind is eager, all others are compiled: before the second is taken, it is recorded as often as
needed, and each time taken back. So a learner that goes on from a checkpoint, which names the kinds that it has met,
takes the steps of one that was not broken off.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from typing import Any

from torch import Tensor

from hl_cli.engine.driver import missing
from hl_cli.engine.fused import fused
from hl_cli.engine.lowered import ASKED
from hl_cli.engine.program import Program
from hl_cli.engine.recorder import Unrecordable
from hl_cli.engine.traced import real
from hl_cli.errors import BadInput, NonFinite
from hl_cli.learners.equality import gap_between
from hl_cli.learners.hamiltonian import HamiltonianLearner
from hl_cli.learners.kinds import lasting
from hl_cli.learners.recording import Recording, Replay
from hl_cli.learners.replayed import ReplayedLearner
from hl_cli.learners.taken_back import taken_back
from hl_cli.machine.compiler import compiler
from hl_cli.types import Sample

TRIED = 16  # steps before a run
COMPILED = 4  # kinds of periods of a run; more are replayed
RECORDED = 3  # times; the first recording may make ready what the others find


class FusedLearner(ReplayedLearner):
    """gap: of compiled periods to eager ones, as found; refused: why a kind was not compiled; met: the kinds of periods
    so far, by `lasting`, and whether each is compiled."""

    engine = "compiled"
    gap = 0.0
    refused = ""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        compiler(ASKED)  # without one there is nothing to fall back to, and one line says so
        super().__init__(*args, **kwargs)
        self.met: dict[str, bool] = {}

    def _record(self, kind: Any, inputs: Tensor, target: Tensor | None, moves: bool) -> tuple[Tensor, float]:
        if moves and self._ahead(kind, inputs, target):
            return self._tick(inputs, target)
        return super()._record(kind, inputs, target, moves)

    def _ahead(self, kind: Any, inputs: Tensor, target: Tensor | None) -> bool:
        """Record a period before it is taken, if one of its kind was; returns whether that has changed anything."""
        if (name := lasting(self, kind)) not in self.met:
            self.met[name] = False
            return False
        for _ in range(RECORDED):
            try:
                with taken_back(self):
                    super()._record(kind, inputs, target, True)
                    self._gather()
            except NonFinite:  # the period itself will say so
                self._recorder.close()
                self._open = None
                return False
            found = self.kinds.get(kind)
            if found is None or found.proven:
                return True
        return False

    def _prove(self, opened: Recording, found: Replay, again: Replay) -> None:
        super()._prove(opened, found, again)
        name = lasting(self, opened.kind)
        if not found.moves or sum(self.met.values()) - self.met.get(name, False) >= COMPILED:
            return
        try:
            self.gap = max(self.gap, opened.fuse(found))
            self.met[name] = True
        except Unrecordable as why:
            self.refused = str(why)

    @property
    def _names(self) -> dict[str, bool]:
        """All kinds that were met, also those in which the weights do not move."""
        return dict.fromkeys((lasting(self, kind) for kind in self.kinds), False) | self.met

    def _count(self) -> int:
        return len(self._names)

    def _forget(self) -> None:
        super()._forget()
        self.met.clear()

    def state_dict(self) -> dict[str, Any]:
        """With the kinds of periods that were met."""
        return {
            **super().state_dict(),
            "met": self._names,
            "whole": self._whole,
            "eager_because": self.eager_because,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there; what was compiled is compiled anew when it comes."""
        super().load_state_dict(state)
        self.met = dict(state.get("met", {}))
        self._whole, self.eager_because = state.get("whole", True), state.get("eager_because", "")

    def _lower(self, program: Program, given: Sequence[Tensor], left: Sequence[Tensor]) -> Program:
        try:
            kernels = fused(program, given, 1, (), self.phase.theta)
            kernels.ready(given, (), True)
            gap_between([*map(real, kernels(given)[0])], [*map(real, left)], ASKED)
        except (Unrecordable, BadInput):
            return program
        return kernels


def rehearsed(learner: FusedLearner, eager: HamiltonianLearner, samples: Iterator[Sample]) -> float:
    """Let both take the first samples of a stream, and compile; returns how far they are then apart.

    They begin where phi has risen, for nothing is compiled before. Neither is used afterwards. Raises BadInput where
    nothing could be compiled, or where it is more than round-off.
    """
    otherwise = f"allowed: {ASKED[1]}, engine=eager"
    compiler(ASKED)
    if why := missing():
        raise BadInput(f"{ASKED[0]}: {why}; {otherwise}")
    for one in (learner, eager):
        one.credit.rise_at_once()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what runs eagerly is refused here, in one line
            for _, sample in zip(range(TRIED), samples, strict=False):
                for one in (learner, eager):
                    one.step(sample)
    except NonFinite as stop:
        raise BadInput(f"{ASKED[0]}: nothing to check it against, for {stop} in its first steps; {otherwise}") from stop
    if not any(one.fused for one in learner.kinds.values()):
        why = learner.refused or learner.eager_because or "its weights take no step that is the same from step to step"
        raise BadInput(f"{ASKED[0]}: {why}; {otherwise}")

    def after(one: Any) -> list[Any]:
        return [one.phase.theta, one.phase.omega]

    return max(learner.gap, gap_between(after(learner), after(eager), ASKED))
