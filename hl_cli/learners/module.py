"""What arms of a plain torch module have in common: one step at a time, predictions, weights by name."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hl_cli.learners.base import evaluating
from hl_cli.networks.losses import Loss


class ModuleLearner:
    """A module that maps inputs (batch, ticks, features) to (rows, outputs); how it learns is said by a subclass."""

    weights_elsewhere = False
    lives_on = False

    def __init__(self, module: nn.Module, loss: Loss) -> None:
        self.module, self.loss, self.seconds = module, loss, 0.0

    def expect(self, steps: int, observe: bool) -> None:
        """Steps to come are of no account here."""

    @torch.no_grad()
    def predict(self, inputs: Tensor) -> Tensor:
        """The module in evaluation mode; nothing is learnt."""
        with evaluating(self.module):
            prediction: Tensor = self.module(inputs)
        return prediction

    def weights(self) -> dict[str, Tensor]:
        """The live weights by name, in the order of the module."""
        return {name: p.data for name, p in self.module.named_parameters() if p.requires_grad}
