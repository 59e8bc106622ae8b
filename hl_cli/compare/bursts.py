"""A learner takes samples one after the other, or many at once where it can: what it says is the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from hl_cli.learners.base import Learner
from hl_cli.types import LearnerRecord, LearnerRecords, Sample


def taken(
    learner: Learner, samples: Sequence[Sample], observe: bool, watched: Callable[[], list[Tensor]]
) -> Iterator[tuple[LearnerRecord | LearnerRecords, Tensor | None]]:
    """The record of each sample, or of many, and what is watched as it is after each, in a row; None where nothing is.

    observe: ask for the physics of the last sample. A learner with a method `several` is offered those before it, and
    says what it took of them (LearnerRecords), or None. Raises NonFinite at the sample at which `step` does.
    """
    several: Any = getattr(learner, "several", None)
    samples = samples if several else list(samples)
    k, last = 0, len(samples) - 1
    while k <= last:
        offered = samples[k : last + (not observe)] if several else ()
        found: LearnerRecords | None = several(offered, watched()) if len(offered) > 1 else None
        if found is not None:
            yield found, found.watched
            k += len(found.losses)
            if found.stop is not None:
                raise found.stop
        else:
            said = learner.step(samples[k], observe and k == last)
            live = watched() if not learner.weights_elsewhere or (observe and k == last) else []
            yield said, torch.cat(live) if live else None
            k += 1
