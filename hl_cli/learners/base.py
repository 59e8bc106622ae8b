"""The contract of a learner."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from torch import Tensor, nn

from hl_cli.dynamics.guards import all_finite as all_finite
from hl_cli.dynamics.guards import finite as finite  # learners of a user's own find them here
from hl_cli.types import LearnerRecord, Sample


class Learner(Protocol):
    """Something that learns from one sample after the other.

    name: "hl", of its arm; seconds: its own time in `step`, without metrics and files, and for PyTorch without the
    guards against values that are not finite, which its users do not write. weights_elsewhere: whether the weights
    are brought here, from other processes, only at observed steps. lives_on: whether its neurons live on from sample to
    sample: then `predict` goes on from where they are, over all samples that it is given, and leaves them there.
    """

    name: str
    seconds: float
    weights_elsewhere: bool
    lives_on: bool

    def step(self, sample: Sample, observe: bool = False) -> LearnerRecord:
        """Predict, then let the weights tick once; the record is of before. observe: add the physics, if any.

        (inputs, target) is as good as a Sample.

        Raises NonFinite before any weight has changed.
        """
        ...

    def expect(self, steps: int, observe: bool) -> None:
        """Be told that so many steps follow, the last one observed or not: processes need not be asked at each."""
        ...

    def predict(self, inputs: Tensor) -> Tensor:
        """Map inputs (batch, ticks, features) to (rows, outputs); nothing is learnt."""
        ...

    def weights(self) -> dict[str, Tensor]:
        """The live weights by name; arms of the same net give the same names in the same order."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """All that the next step depends on."""
        ...

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from where state_dict was taken."""
        ...


@contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """Put a net into evaluation mode (dropout, normalisation) for a while, if it was not."""
    before = module.training
    module.eval()
    try:
        yield
    finally:
        module.train(before)
