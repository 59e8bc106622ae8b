"""A control: the output net alone learns, on the states of a net whose own weights stay as they were drawn.

What fixed states are worth tells how much of a score is owed to credit over time; a wrong gradient may be worth less.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from hl_cli.config.arms import Arm
from hl_cli.config.fields import described
from hl_cli.config.models import with_a_state
from hl_cli.config.registry import choice
from hl_cli.errors import NoSuchCombination
from hl_cli.learners.place import Place
from hl_cli.learners.truncated import TruncatedLearner
from hl_cli.networks.recurrent import Recurrent

OPTIMIZERS: dict[str, type[torch.optim.Optimizer]] = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}


@choice("arm", "head", home="head")
@dataclass
class HeadArm(Arm):
    """A control: the output net alone learns."""

    optimizer: str = described("sgd", "of torch.optim, at the learning rate of the arm", choices=("sgd", "adam"))


class HeadLearner(TruncatedLearner):
    """theta of the head takes a step at each tick that counts; the cells only run."""

    another_method = "the output net alone learns"

    def __init__(self, place: Place, optimizer: str) -> None:
        assert isinstance(place.module, Recurrent)
        of, head = OPTIMIZERS[optimizer], place.module.head
        super().__init__(
            place.module, place.loss, lambda _, **options: of(head.parameters(), **options), 1, place.reset, lr=place.lr
        )
        self.described = f"the output net alone, torch.optim.{of.__name__}, lr {place.lr:g}"

    def _climb(self, u: Tensor) -> Tensor:
        """Without a graph of the cells."""
        with torch.no_grad():
            return super()._climb(u)


def head(place: Place, optimizer: str, **_: Any) -> HeadLearner:
    """The arm `head`; raises NoSuchCombination for a net without states."""
    if not isinstance(place.module, Recurrent):
        raise NoSuchCombination(f"its output net learns from states, and this net has none; allowed: {with_a_state()}")
    return HeadLearner(place, optimizer)
