"""Arms that learn nothing, to be compared with: what a score is worth where nobody has learnt.

frozen   y = f(u; theta of the start)          zero   y = 0
"""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter
from typing import Any

import torch
from torch import Tensor, nn

from hl_cli.config.arms import Arm
from hl_cli.config.registry import choice
from hl_cli.dynamics.guards import finite
from hl_cli.errors import NoSuchCombination
from hl_cli.learners.module import ModuleLearner
from hl_cli.learners.place import Place
from hl_cli.networks.losses import Loss
from hl_cli.streams.base import Stream
from hl_cli.types import LearnerRecord, Sample


@choice("arm", "frozen", home="frozen", learns=False)
@dataclass
class FrozenArm(Arm):
    """A control: the initial weights, which never move."""


@choice("arm", "zero", home="zero", learns=False)
@dataclass
class ZeroArm(Arm):
    """A control: says zero, whatever it sees; where a target is a number."""


class FrozenLearner(ModuleLearner):
    """A net whose weights never move; module maps (batch, ticks, features) to (rows, outputs)."""

    name = "frozen"
    described, another_method = "the initial weights", "it learns nothing"

    @torch.no_grad()
    def step(self, sample: Sample, observe: bool = False) -> LearnerRecord:
        """Predict; nothing is learnt."""
        start = perf_counter()
        prediction = self.predict(sample.inputs)
        loss = None if sample.target is None else finite(self.loss(prediction, sample.target).item(), "loss")
        self.seconds += perf_counter() - start
        return LearnerRecord(prediction, loss)

    def state_dict(self) -> dict[str, Any]:
        """Nothing changes."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Nothing to go on with."""


class ZeroLearner(FrozenLearner):
    """Says zero for each of some outputs, at each tick that counts."""

    name = "zero"
    described = "zero output"

    def __init__(self, outputs: int, loss: Loss, stream: Stream) -> None:
        super().__init__(_Zero(outputs, stream.task.targets == "all"), loss)


class _Zero(nn.Module):
    def __init__(self, outputs: int, every: bool) -> None:
        super().__init__()
        self.outputs, self.every = outputs, every

    def forward(self, x: Tensor) -> Tensor:
        rows = len(x) * (x.shape[1] if self.every else 1)
        return x.new_zeros(rows, self.outputs)


def frozen(place: Place) -> FrozenLearner:
    """The arm `frozen`."""
    return FrozenLearner(place.module, place.loss)


def zero(place: Place) -> ZeroLearner:
    """The arm `zero`; raises NoSuchCombination where zero is no answer."""
    if place.stream.task.kind != "values":
        raise NoSuchCombination(f"zero is no class (stream={place.stream.name}); allowed: a stream of values")
    return ZeroLearner(place.outputs, place.loss, place.stream)
