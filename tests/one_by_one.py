"""What a learner says of many samples, a record each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from torch import Tensor

from hl_cli.compare import bursts
from hl_cli.learners.base import Learner
from hl_cli.types import LearnerRecord, LearnerRecords, Sample


def taken(
    learner: Learner, samples: Sequence[Sample], observe: bool, watched: Callable[[], list[Tensor]]
) -> Iterator[tuple[LearnerRecord, Tensor | None]]:
    """As hl_cli.compare.bursts.taken, step by step."""
    for said, rows in bursts.taken(learner, samples, observe, watched):
        if isinstance(said, LearnerRecords):
            yield from ((said.of(k), None if rows is None else rows[k]) for k in range(len(said.losses)))
        else:
            yield said, rows
