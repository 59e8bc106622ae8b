"""engine=replay and engine=compiled of a sample of many learning periods: as of so many samples of one."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from hl_cli.learners.bursts import several
from hl_cli.streams.samples import Samples
from hl_cli.types import LearnerRecord


def by_period(learner: Any, periods: Samples, observe: bool) -> LearnerRecord:
    """What a ReplayedLearner says of a sample of these periods; observe: add the physics of the last."""
    said, value, count, k = list[Tensor](), 0.0, len(periods), 0
    physics = None
    while k < count:
        found = several(learner, periods[k : count - observe], ())
        if found is None:
            one = learner.learn(periods[k], observe and k == count - 1)
            y, losses, physics = one.prediction, [one.loss], one.physics
        else:
            y, losses = found.predictions.flatten(0, 1), found.losses.tolist()
        said.append(y)
        for loss in losses:
            value += loss / count
        k += len(losses)
    if learner.credit.rests:
        learner.foretold = None
    return LearnerRecord(torch.cat(said), value, physics)
