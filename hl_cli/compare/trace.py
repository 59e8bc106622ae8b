"""One learner takes the samples of a burst: what it said of each, and its weights after each."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from hl_cli.compare.bursts import taken
from hl_cli.compare.counted import Counted
from hl_cli.compare.metrics import Measure
from hl_cli.compare.pairs import Pairs
from hl_cli.compare.record import Divergence
from hl_cli.errors import NonFinite
from hl_cli.learners.base import Learner
from hl_cli.streams.samples import Samples
from hl_cli.types import LearnerRecord, LearnerRecords, Physics, Sample


class Trace:
    """What one learner said in a burst: of single steps, or of many at once.

    steps: how many it took; snapshots: its weights after each, None where nothing is watched; physics: of the last;
    counted: what was measured in them.
    """

    counted: Counted
    physics: Physics | None = None
    diverged: tuple[Divergence, ...] = ()

    def __init__(self) -> None:
        self.steps = 0
        self.snapshots: list[Tensor | None] = []
        self._pieces: list[LearnerRecord | LearnerRecords] = []
        self._begins: list[int] = []

    def add(self, said: LearnerRecord | LearnerRecords, watched: Tensor | None) -> None:
        """Take in what it said next; watched: as `taken` gives it."""
        self._pieces.append(said)
        self._begins.append(self.steps)
        if isinstance(said, LearnerRecords):
            count, self.physics = len(said.losses), None
            self.snapshots += [None] * count if watched is None else watched.unbind()
        else:
            count, self.physics = 1, said.physics
            self.snapshots.append(watched)
        self.steps += count

    def said(self, k: int) -> LearnerRecord:
        """Of the k-th step."""
        which = bisect(self._begins, k) - 1
        piece = self._pieces[which]
        return piece.of(k - self._begins[which]) if isinstance(piece, LearnerRecords) else piece

    def count(self, samples: Sequence[Sample], measure: Measure) -> Counted:
        """What was measured in its steps, by record where one is of another sample, or where no target counted."""
        if isinstance(samples, Samples) and self._pieces and all(map(_plain, self._pieces)):
            losses, y = list[float](), list[Tensor]()
            for one in self._pieces:
                if isinstance(one, LearnerRecords):
                    losses += one.losses.tolist()
                    y.append(one.predictions.flatten(0, 1))
                elif one.loss is not None:
                    losses.append(one.loss)
                    y.append(one.prediction)
            means = measure.means_of(losses, torch.cat(y), samples[: self.steps])
            return Counted(self.steps, np.arange(self.steps), means)
        said = [self.said(k) for k in range(self.steps)]
        found = [(k, one.loss, one.prediction) for k, one in enumerate(said) if one.loss is not None]
        at = [k for k, _, _ in found]
        of = [said[k].sample or samples[k] for k in at]
        means = measure.means([loss for _, loss, _ in found], [y for _, _, y in found], of)
        return Counted(self.steps, np.array(at, np.int64), means)


def _plain(said: LearnerRecord | LearnerRecords) -> bool:
    """Whether it is of the samples given, and a target counted."""
    return isinstance(said, LearnerRecords) or (said.loss is not None and said.sample is None)


def advance(
    trace: Trace, learner: Learner, samples: Sequence[Sample], step: int, until: int, observe: bool, pairs: Pairs
) -> None:
    """Let a learner take the samples of a burst up to `until`; observe: ask for the physics of the last.

    trace: what it said of those before; step: the one before the burst.
    """
    part = samples[trace.steps : until]
    learner.expect(len(part), observe)
    try:
        for said, watched in taken(learner, part, observe, lambda: pairs.watched(learner.name)):
            trace.add(said, watched)
    except NonFinite as stop:
        culprit = _not_finite(samples[trace.steps])
        said_so = (culprit,) if culprit else (stop.quantity, stop.how, stop.advice)
        trace.diverged = (Divergence(step + trace.steps + 1, learner.name, *said_so),)


def _not_finite(sample: Sample) -> str | None:
    """What of a sample is not finite, if anything: then the learner is not to blame."""
    for name, part in sample._asdict().items():
        if isinstance(part, Tensor) and part.is_floating_point() and not bool(torch.isfinite(part).all()):
            return f"sample's {name}"
    return None
