"""The only training loop: the same samples, both learners, what they said of them, how far their weights are apart.

It is a generator: it yields and does nothing else. Consumers write, draw and print.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

import torch
from torch import Tensor

from hl_cli.compare.differences import Differences, Distance
from hl_cli.errors import NonFinite
from hl_cli.learners.base import Learner
from hl_cli.networks.losses import Loss
from hl_cli.streams.base import Stream
from hl_cli.types import Physics, Sample, Scores

BURST = 2**20  # numbers, weights and inputs, that a burst may keep


@dataclass(frozen=True)
class Divergence:
    """Which learner met a loss, gradient or weight costate that is not finite, and at which step.

    Its weights stayed as they were before it. (A held-out loss can only be met after its step.)
    """

    step: int
    learner: str
    quantity: str


class StepRecord(NamedTuple):
    """One step of the comparison; scores are of before the update, the difference is of after it.

    A learner that has diverged is missing from `scores` and `held_out`. measured: whether this step asked for
    distance and physics; equal and distance are None once a learner has diverged.
    """

    step: int
    scores: dict[str, Scores]
    measured: bool
    equal: bool | None = None
    distance: Distance | None = None
    physics: Physics | None = None
    held_out: dict[str, Scores] | None = None
    diverged: tuple[Divergence, ...] = ()


@dataclass(frozen=True)
class Schedule:
    """How many steps, and how often to measure (log_every) and to evaluate (eval_every; 0: at the end only)."""

    steps: int
    log_every: int = 50
    eval_every: int = 0

    def measures(self, step: int) -> bool:
        """The first step, every log_every-th, and the last."""
        return step in (1, self.steps) or step % self.log_every == 0

    def evaluates(self, step: int) -> bool:
        """Every eval_every-th step, and the last."""
        return step == self.steps or (self.eval_every > 0 and step % self.eval_every == 0)

    def burst(self, step: int, limit: int) -> int:
        """How many steps to take at once after `step`: up to the next that measures or evaluates, or the limit."""
        size = 1
        while size < limit and not (self.measures(step + size) or self.evaluates(step + size)):
            size += 1
        return size


@dataclass
class _Trace:
    """What one learner said in a burst, and its weights after each step."""

    scores: list[Scores] = field(default_factory=list)
    snapshots: list[Tensor] = field(default_factory=list)
    physics: Physics | None = None
    diverged: tuple[Divergence, ...] = ()


def accuracies(predictions: list[Tensor], targets: list[Tensor]) -> list[float]:
    """For each batch, the fraction of samples whose largest output is that of their class; all batches at once."""
    if not predictions:
        return []
    right = torch.cat(predictions).argmax(1) == torch.cat(targets)
    return right.view(len(predictions), -1).double().mean(1).tolist()


def evaluate(learner: Learner, sample: Sample, loss: Loss) -> Scores:
    """Held-out loss and accuracy; nothing is learnt."""
    with torch.no_grad():
        y = learner.predict(sample.inputs)
        return Scores(float(loss(y, sample.target)), accuracies([y], [sample.target])[0])


def _advance(learner: Learner, samples: list[Sample], step: int, observe: bool, differences: Differences) -> _Trace:
    """Let a learner take the samples one after the other; observe: ask for the physics of the last."""
    trace = _Trace()
    losses, predictions = [], []
    for k, sample in enumerate(samples, start=1):
        try:
            said = learner.step(sample, observe and k == len(samples))
        except NonFinite as stop:
            trace.diverged = (Divergence(step + k, learner.name, stop.quantity),)
            break
        losses.append(said.loss)
        predictions.append(said.prediction)
        trace.snapshots.append(differences.snapshot(learner.name))
        trace.physics = said.physics
    right = accuracies(predictions, [sample.target for sample in samples[: len(predictions)]])
    trace.scores = [Scores(*pair) for pair in zip(losses, right, strict=True)]
    return trace


def side_by_side(
    stream: Stream,
    hl: Learner,
    pytorch: Learner,
    loss: Loss,
    schedule: Schedule,
    differences: Differences,
    stop: Callable[[], bool] = lambda: False,
) -> Iterator[StepRecord]:
    """Yield a record a step until the steps are done, stop() says so, or both learners have diverged.

    Each learner takes a burst of samples before the other takes the same ones: alternating at every step makes both
    a fifth slower, for the caches of the machine. At a measured step both stand exactly there.
    """
    alive: list[Learner] = [hl, pytorch]
    step, last, limit = 0, False, 1
    while alive and not last:
        interrupted = stop()
        size = 1 if interrupted else schedule.burst(step, limit)
        end = step + size
        last = interrupted or end == schedule.steps
        measure = last or schedule.measures(end)
        samples = list(islice(stream, size))
        limit = max(1, BURST // (differences.weights + samples[0].inputs.numel()))
        traces = {learner.name: _advance(learner, samples, step, measure, differences) for learner in alive}
        alive = [learner for learner in alive if not traces[learner.name].diverged]
        held_out = None
        if last or schedule.evaluates(end):
            held_out = {learner.name: evaluate(learner, stream.held_out(), loss) for learner in alive}
            for name in [name for name, scores in held_out.items() if not math.isfinite(scores.loss)]:
                traces[name].diverged = (Divergence(end, name, "held-out loss"),)
                del held_out[name]
            alive = [learner for learner in alive if learner.name in held_out]
        for k in range(size):
            if all(t.diverged and t.diverged[0].step <= step for t in traces.values()):
                return  # both have diverged before this step
            step += 1
            final = step == end
            yield _record(step, k, traces, differences, measure and final, held_out if final else None)


def _record(
    step: int,
    k: int,
    traces: dict[str, _Trace],
    differences: Differences,
    measure: bool,
    held_out: dict[str, Scores] | None,
) -> StepRecord:
    """Put together what the learners said at the k-th step of a burst."""
    scores = {name: trace.scores[k] for name, trace in traces.items() if k < len(trace.scores)}
    equal, apart = None, None
    if len(scores) == 2:
        pair = (traces["hl"].snapshots[k], traces["pytorch"].snapshots[k])
        before = differences.first_step
        equal = differences.compare(step, *pair)
        parting = any(trace.diverged and len(trace.scores) == k + 1 for trace in traces.values())
        if measure or parting or (before is None and not equal):
            apart = differences.measure(*pair)
    physics = traces["hl"].physics if measure and "hl" in scores else None
    diverged = tuple(d for trace in traces.values() for d in trace.diverged if d.step == step)
    return StepRecord(step, scores, measure, equal, apart, physics, held_out, diverged)
