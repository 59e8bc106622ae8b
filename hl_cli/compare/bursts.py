"""A learner takes samples one after the other, or many at once where it can: what it says is the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from hl_cli.learners.base import Learner
from hl_cli.types import LearnerRecord, Sample

OFFERED = 256  # samples at once


def taken(
    learner: Learner, samples: Sequence[Sample], observe: bool, watched: Callable[[], list[Tensor]]
) -> Iterator[tuple[LearnerRecord, Tensor | None]]:
    """The record of each sample, and what is watched as it is after it, in one row; None where nothing is.

    observe: ask for the physics of the last sample. A learner with a method `several` is offered those before it.
    Raises NonFinite at the sample at which `step` does.
    """
    several: Any = getattr(learner, "several", None)
    k, last = 0, len(samples) - 1
    while k <= last:
        offered = samples[k : min(k + OFFERED, last + (not observe))] if several else ()
        for found in several(offered, watched()) if len(offered) > 1 else ():
            yield found
            k += 1
        if k <= last:
            said = learner.step(samples[k], observe and k == last)
            live = watched() if not learner.weights_elsewhere or (observe and k == last) else []
            yield said, torch.cat(live) if live else None
            k += 1
