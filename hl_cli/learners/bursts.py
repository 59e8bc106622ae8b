"""engine=replay in bursts: samples of one learning period each, one after the other in a single native call.

What a period depends on is foretold: the drive, what is carried and phi are known without running the period before.
So a burst is begun where the plans of the periods to come take turns, and ends at the first thing that is otherwise: a
sample of another shape, a tick at which the weights are looked at, a number that is not finite.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from time import perf_counter
from typing import Any

import torch
from torch import Tensor

from hl_cli.engine.native import Burst, Native, burst
from hl_cli.learners.recording import Replay
from hl_cli.types import LearnerRecord, Sample

TURNS = 2  # plans that may take turns: omega and the drive change places, or do not


def several(
    learner: Any, samples: Sequence[Sample], watched: Sequence[Tensor]
) -> Iterator[tuple[LearnerRecord, Tensor | None]]:
    """The records of the first of the samples, as many as one burst takes, and what is watched after each.

    learner: a ReplayedLearner. Nothing is taken where it cannot be foretold. A period that was stopped is finished by
    `step`, which raises NonFinite, or goes on where that is right.
    """
    start = perf_counter()
    asked = _alike(learner, samples)
    if len(asked) < 2 or not (turns := _turns(learner, *asked[0])):
        return
    found = _run(learner, turns, asked, watched)
    done = len(found.first)
    _count(learner, turns, done, found)
    learner.seconds += perf_counter() - start
    for k, (y, loss) in enumerate(zip(found.first, found.loss, strict=True)):
        yield LearnerRecord(y, 0.0 + loss), found.rows[k] if watched else None
    if found.read:
        learner.pending = found.left, found.read
        try:
            said = learner.step(samples[done])
        finally:
            learner.pending = None
        yield said, torch.cat(list(watched)) if watched else None


def _alike(learner: Any, samples: Sequence[Sample]) -> list[tuple[Tensor, Tensor]]:
    """Inputs and target of the samples that one burst may take."""
    credit, c, asked = learner.credit, learner.coefficients, []
    alone = learner.update_every == 1 and learner.betas is None and not learner.gathered and learner.moves
    if learner.eager_because or not alone or not learner.moves_weights or not credit.steady:
        return []
    for sample in samples[: credit.calm(len(samples))]:
        one = credit.only(sample) if type(sample) is Sample else None
        if one is None:
            break
        asked.append(one)
    phi = credit.phi(c, learner.moves)
    return asked if credit.phi(c, learner.moves + len(asked)) == phi else []


def _turns(learner: Any, inputs: Tensor, target: Tensor) -> list[Replay]:
    """What takes turns from now on, as long as samples are like this one; nothing where that is not known."""
    phase, turns = learner.phase, list[Replay]()
    kind = learner.kind(inputs, target, True)
    for _ in range(TURNS + 1):
        found = learner.kinds.get(kind)
        if found is None or not found.proven or not _steady(found.running.native):
            return []
        if turns and found is turns[0]:
            return turns
        turns.append(found)
        drive = phase.drive if sum(one.exchanges for one in turns) % 2 == 0 else phase.other_drive
        kind = learner.kind_of(drive, inputs, target, found.form, found.shapes, True)
    return []


def _steady(native: Native | None) -> bool:
    return native is not None and native.steady


def _run(
    learner: Any, turns: Sequence[Replay], asked: Sequence[tuple[Tensor, Tensor]], watched: Sequence[Tensor]
) -> Burst:
    """The burst itself."""
    taken, c = learner.phase.taken, learner.coefficients
    paces = [learner.rule.pace(c, taken + k) for k in range(1, len(asked) + 1)]
    carried = [one for one in learner.credit.carried() if one is not None]
    with torch.no_grad():
        plans = [one.running.native for one in turns if one.running.native is not None]  # all are
        return burst(plans, asked, carried, paces, watched)


def _count(learner: Any, turns: Sequence[Replay], done: int, found: Burst) -> None:
    """Be as after so many periods, each of which has moved the weights."""
    if not done:
        return
    last, phase = turns[(done - 1) % len(turns)], learner.phase
    learner.credit.carry_on(last.carried(found.carried), last.form)
    learner.credit.passed(done)
    phase.finish()
    phase.taken += done - 1
    if sum(turns[k % len(turns)].exchanges for k in range(done)) % 2:
        phase.exchange()
    for name in ("steps", "moves", "replayed"):
        setattr(learner, name, getattr(learner, name) + done)
