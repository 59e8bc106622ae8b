"""The arms of a run, each held to the reference: which can be compared weight by weight, and how far apart they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from torch import Tensor

from hl_cli.compare.differences import Differences, Distance
from hl_cli.learners.base import Learner


class Pair(NamedTuple):
    """An arm against the reference after one step.

    equal: whether all weights are equal bit for bit; distance: of all weights together, and by_tensor: max_abs of each
    tensor, both None unless the step was measured, or a difference was first met at it.
    """

    equal: bool
    distance: Distance | None = None
    by_tensor: tuple[float, ...] | None = None


class Pairs:
    """Differences by arm, in the order of the arms. An arm of another net than the reference has none.

    reference: the name of the arm that the others are measured against; None where nothing is compared.
    """

    def __init__(self, arms: Sequence[Learner], reference: str | None) -> None:
        self.reference = reference
        weights = {arm.name: arm.weights() for arm in arms}
        shapes = {name: {key: (w.shape, w.dtype) for key, w in of.items()} for name, of in weights.items()}
        self.of: dict[str, Differences] = {}
        if reference is not None:
            self.of = {
                name: Differences(weights[name], weights[reference], (name, reference))
                for name in weights
                if name != reference and shapes[name] == shapes[reference]
            }

    @classmethod
    def single(cls, differences: Differences) -> Pairs:
        """The one pair of two learners."""
        pairs = cls((), None)
        name, pairs.reference = differences.learners
        pairs.of = {name: differences}
        return pairs

    @property
    def snapshot_size(self) -> int:
        """Numbers that the snapshots of one step hold, of all arms together."""
        compared = [differences.weights for differences in self.of.values()]
        return sum(compared) + max(compared, default=0)

    def watched(self, name: str) -> list[Tensor]:
        """The bits of all weights of an arm, live; nothing of one that is not compared."""
        for arm, differences in self.of.items():
            if name in (arm, self.reference):
                return differences.watched(name)
        return []

    def compare(self, step: int, snapshots: Mapping[str, Tensor], measured: bool, last: set[str]) -> dict[str, Pair]:
        """Compare what the arms were after a step; last: arms for which it is the last step that is compared."""
        found: dict[str, Pair] = {}
        reference = snapshots.get(str(self.reference))
        if reference is None:
            return found
        for name, differences in self.of.items():
            if name not in snapshots:
                continue
            pair, before = (snapshots[name], reference), differences.first_step
            equal = differences.compare(step, *pair)
            if measured or (before is None and not equal) or last & {name, self.reference}:
                found[name] = Pair(equal, differences.measure(*pair), differences.largest_by_tensor(*pair))
            else:
                found[name] = Pair(equal)
        return found

    def state_dict(self) -> dict[str, Any]:
        """By arm, what was compared last and since when tensors differ."""
        return {name: differences.state_dict() for name, differences in self.of.items()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        for name, differences in self.of.items():
            differences.load_state_dict(state[name])
