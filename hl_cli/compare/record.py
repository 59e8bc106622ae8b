"""What the loop says of one step of all arms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

from hl_cli.compare.differences import Distance
from hl_cli.compare.draws import Drew
from hl_cli.compare.metrics import Means
from hl_cli.compare.pairs import Pair
from hl_cli.errors import NonFinite
from hl_cli.types import LearnerRecord, Physics, Sample, Scores


@dataclass(frozen=True)
class Divergence:
    """Which learner met a loss, gradient or weight costate that is not finite, or grows without bound, and when.

    Its weights stayed as they were before it. (A held-out loss can only be met after its step.)
    """

    step: int
    learner: str
    quantity: str
    how: str = NonFinite.how
    advice: str = NonFinite.advice


class StepRecord(NamedTuple):
    """One step of the comparison; means (hl_cli.compare.metrics) are of before the update, the pairs of after it.

    An arm that has diverged is missing from `means`, `held_out` and `tasks`, and all are missing from `means` where no
    target counted. measured: whether this step asked for distances and physics. pairs: arms against the reference; one
    is missing once either has diverged, and between measured steps where weights are in other processes. physics: of
    the arms that have any, at measured steps. tasks: held-out scores by task, then by arm, after a period of a stream
    that changes over time; trained: the task of that period; sample: the one given; said: what each arm said at this
    step; drew: at the end of a burst, of the arms that drew random numbers in it, or whose reference did.
    """

    step: int
    means: dict[str, Means]
    measured: bool
    pairs: Mapping[str, Pair] = MappingProxyType({})
    physics: Mapping[str, Physics] = MappingProxyType({})
    held_out: dict[str, Scores] | None = None
    tasks: dict[str, dict[str, Scores]] | None = None
    trained: str | None = None
    sample: Sample | None = None
    said: dict[str, LearnerRecord] | None = None
    diverged: tuple[Divergence, ...] = ()
    drew: Mapping[str, Drew] = MappingProxyType({})

    @property
    def equal(self) -> bool | None:
        """Whether the two of a single pair are equal; None where they were not compared."""
        return next((pair.equal for pair in self.pairs.values()), None)

    @property
    def distance(self) -> Distance | None:
        """The distance of a single pair."""
        return next((pair.distance for pair in self.pairs.values()), None)

    @property
    def by_tensor(self) -> tuple[float, ...] | None:
        """The largest differences of a single pair, by tensor."""
        return next((pair.by_tensor for pair in self.pairs.values()), None)
