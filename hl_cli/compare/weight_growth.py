r"""Weights that run away though every number is finite: a net that only looks as if it learnt.

    growth of a tensor  =  rms(theta_k) / max( rms(theta_k at the start), rms(all weights at the start) )

A tensor that begins at zero, or small, is measured by the net as a whole. From AWAY on it is said in the report: a net
that learns from a usual start moves its weights by a few times their size, a step that is too large by orders.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from hl_cli.compare.burst import Burst
from hl_cli.compare.observer import Observer
from hl_cli.compare.record import StepRecord
from hl_cli.learners.base import Learner

AWAY = 10.0


@dataclass(frozen=True)
class Growth:
    """The tensor that grew most, how many times, and after which step."""

    tensor: str
    times: float
    step: int


def rms(weights: Sequence[Tensor]) -> float:
    """Root of the mean square of all numbers of some tensors."""
    count = sum(w.numel() for w in weights)
    square = sum(float(torch.linalg.vector_norm(w, dtype=torch.float64)) ** 2 for w in weights)
    return (square / max(count, 1)) ** 0.5


class WeightGrowth(Observer):
    """Looks at the weights of the learners at every measured step, when both stand there."""

    def __init__(self, learners: Sequence[Learner]) -> None:
        self._learners = learners
        self._scales = {learner.name: scales(learner.weights()) for learner in learners}
        self.worst: dict[str, Growth] = {}

    def consume(self, record: StepRecord) -> None:
        """Look, where a step is measured."""
        if record.measured:
            for learner in self._learners:
                for name, w in learner.weights().items():
                    times = rms([w]) / self._scales[learner.name][name]
                    if learner.name not in self.worst or times > self.worst[learner.name].times:
                        self.worst[learner.name] = Growth(name, times, record.step)

    def consume_burst(self, burst: Burst) -> None:
        """The same: only its last step may be measured."""
        for record in burst.notable:
            self.consume(record)

    def state_dict(self) -> dict[str, Any]:
        """The growth met so far; what it is measured by are the weights of the start."""
        return {name: asdict(growth) for name, growth in self.worst.items()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self.worst = {name: Growth(**of) for name, of in state.items()}

    def facts(self) -> dict[str, Any]:
        """The growth of those that ran away."""
        return {"runaway": {name: asdict(growth) for name, growth in self.away.items()}}

    @property
    def away(self) -> dict[str, Growth]:
        """The learners whose weights ran away."""
        return {name: growth for name, growth in self.worst.items() if growth.times >= AWAY}


def scales(weights: Mapping[str, Tensor]) -> dict[str, float]:
    """By tensor, what its size is measured by; 1 where all weights begin at zero."""
    whole = rms(list(weights.values()))
    return {name: max(rms([w]), whole) or 1.0 for name, w in weights.items()}
