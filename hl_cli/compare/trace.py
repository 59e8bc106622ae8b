"""One learner takes the samples of a burst: what it said of each, and its weights after each."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from hl_cli.compare.bursts import taken
from hl_cli.compare.metrics import Means, Measure
from hl_cli.compare.pairs import Pairs
from hl_cli.compare.record import Divergence
from hl_cli.errors import NonFinite
from hl_cli.learners.base import Learner
from hl_cli.types import LearnerRecord, Physics, Sample


@dataclass
class Trace:
    """What one learner said in a burst, and its weights after each step."""

    said: list[LearnerRecord] = field(default_factory=list)
    means: list[Means | None] = field(default_factory=list)
    snapshots: list[Tensor | None] = field(default_factory=list)
    physics: Physics | None = None
    diverged: tuple[Divergence, ...] = ()


def advance(learner: Learner, samples: list[Sample], step: int, observe: bool, pairs: Pairs, measure: Measure) -> Trace:
    """Let a learner take the samples one after the other; observe: ask for the physics of the last."""
    trace = Trace()
    said = trace.said
    learner.expect(len(samples), observe)
    try:
        for record, snapshot in taken(learner, samples, observe, lambda: pairs.watched(learner.name)):
            said.append(record)
            trace.snapshots.append(snapshot)
            trace.physics = record.physics
    except NonFinite as stop:
        culprit = _not_finite(samples[len(said)])
        said_so = (culprit,) if culprit else (stop.quantity, stop.how, stop.advice)
        trace.diverged = (Divergence(step + len(said) + 1, learner.name, *said_so),)
    of = (r.sample or s for r, s in zip(said, samples, strict=False))
    counted = [(r.loss, r.prediction, s) for r, s in zip(said, of, strict=True) if r.loss is not None]
    found = iter(measure.means(*map(list, zip(*counted, strict=True)))) if counted else iter(())
    trace.means = [None if r.loss is None else next(found) for r in said]
    return trace


def _not_finite(sample: Sample) -> str | None:
    """What of a sample is not finite, if anything: then the learner is not to blame."""
    for name, part in sample._asdict().items():
        if isinstance(part, Tensor) and part.is_floating_point() and not bool(torch.isfinite(part).all()):
            return f"sample's {name}"
    return None
