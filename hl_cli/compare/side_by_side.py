"""The only training loop: one sample, both learners, what they said of it, how far their weights are apart.

It is a generator: it yields and does nothing else. Consumers write, draw and print.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor

from hl_cli.compare.differences import Differences, Distance
from hl_cli.errors import NonFinite
from hl_cli.learners.base import Learner
from hl_cli.networks.losses import Loss
from hl_cli.streams.base import Stream
from hl_cli.types import Physics, Sample, Scores


@dataclass(frozen=True)
class Divergence:
    """Which learner met a value that is not finite, at which step; its weights stayed as they were before it."""

    step: int
    learner: str
    quantity: str


@dataclass(frozen=True)
class StepRecord:
    """One step of the comparison; scores are of before the update, the difference is of after it.

    A learner that has diverged is missing from `scores` and `held_out`. distance, physics, held_out: only at the
    steps that ask for them.
    """

    step: int
    scores: dict[str, Scores]
    equal: bool | None = None
    distance: Distance | None = None
    physics: Physics | None = None
    held_out: dict[str, Scores] | None = None
    diverged: list[Divergence] = field(default_factory=list)


@dataclass(frozen=True)
class Schedule:
    """How many steps, and how often to measure (log_every) and to evaluate (eval_every; 0: at the end only)."""

    steps: int
    log_every: int = 20
    eval_every: int = 0

    def measures(self, step: int) -> bool:
        """The first step, every log_every-th, and the last."""
        return step == 1 or step % self.log_every == 0 or step == self.steps

    def evaluates(self, step: int) -> bool:
        """Every eval_every-th step, and the last."""
        return step == self.steps or (self.eval_every > 0 and step % self.eval_every == 0)


def accuracy(prediction: Tensor, target: Tensor) -> float:
    """Fraction of samples whose largest output is that of their class."""
    return int((prediction.argmax(1) == target).sum()) / len(target)


def evaluate(learners: list[Learner], sample: Sample, loss: Loss) -> dict[str, Scores]:
    """Held-out loss and accuracy of each learner; nothing is learnt."""
    scores = {}
    with torch.no_grad():
        for learner in learners:
            y = learner.predict(sample.inputs)
            scores[learner.name] = Scores(float(loss(y, sample.target)), accuracy(y, sample.target))
    return scores


def side_by_side(
    stream: Stream, hl: Learner, pytorch: Learner, loss: Loss, schedule: Schedule, differences: Differences
) -> Iterator[StepRecord]:
    """Yield a record a step until the steps are done or both learners have diverged."""
    alive: list[Learner] = [hl, pytorch]
    for step in range(1, schedule.steps + 1):
        sample = next(stream)
        measure = schedule.measures(step)
        scores: dict[str, Scores] = {}
        diverged: list[Divergence] = []
        physics = None
        for learner in list(alive):
            try:
                said = learner.step(sample, observe=measure)
            except NonFinite as stop:
                diverged.append(Divergence(step, learner.name, stop.quantity))
                alive.remove(learner)
                continue
            scores[learner.name] = Scores(said.loss, accuracy(said.prediction, sample.target))
            physics = said.physics or physics
        equal, apart = None, None
        if len(alive) == 2:
            before = differences.first_step
            equal = differences.compare(step)
            if measure or (before is None and not equal):
                apart = differences.measure()
        held_out = evaluate(alive, stream.held_out(), loss) if schedule.evaluates(step) else None
        yield StepRecord(step, scores, equal, apart, physics, held_out, diverged)
        if not alive:
            return
