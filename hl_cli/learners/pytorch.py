"""The PyTorch arm: what a user of PyTorch writes, with the stock optimizer, untouched."""

from __future__ import annotations

import copy
from collections.abc import Callable
from time import perf_counter
from typing import Any

import torch
from torch import Tensor, nn

from hl_cli.learners.base import all_finite, evaluating, finite
from hl_cli.networks.losses import Loss
from hl_cli.streams.base import as_sample
from hl_cli.types import LearnerRecord, Sample


class PyTorchLearner:
    """forward, loss.backward(), optimizer.step(); module maps (batch, ticks, features) to (rows, outputs)."""

    name = "pytorch"
    weights_elsewhere = False
    lives_on = False

    def __init__(
        self, module: nn.Module, loss: Loss, optimizer: Callable[..., torch.optim.Optimizer], **options: float
    ) -> None:
        self.module, self.loss = module, loss
        self.optimizer = optimizer(module.parameters(), **options)
        self._parameters = list(module.parameters())
        self.seconds = 0.0

    def expect(self, steps: int, observe: bool) -> None:
        """Steps to come are of no account here."""

    def step(self, sample: Sample, observe: bool = False) -> LearnerRecord:
        """One optimizer step; raises NonFinite before it. Without a target there is none."""
        sample = as_sample(sample)
        if sample.target is None:
            return LearnerRecord(self.predict(sample.inputs), None)
        start = perf_counter()
        self.optimizer.zero_grad()
        prediction = self.module(sample.inputs)
        loss = self.loss(prediction, sample.target)
        loss.backward()
        value = loss.item()
        paused = perf_counter()
        finite(value, "loss")
        all_finite((p.grad for p in self._parameters if p.grad is not None), "gradient")
        resumed = perf_counter()
        self.optimizer.step()
        self.seconds += perf_counter() - resumed + paused - start
        return LearnerRecord(prediction.detach(), value)

    @torch.no_grad()
    def predict(self, inputs: Tensor) -> Tensor:
        """The module in evaluation mode; nothing is learnt."""
        with evaluating(self.module):
            return self.module(inputs)

    def weights(self) -> dict[str, Tensor]:
        """The live weights by name, in the order of the module."""
        return {name: p.data for name, p in self.module.named_parameters() if p.requires_grad}

    def state_dict(self) -> dict[str, Any]:
        """Module and optimizer, copied: torch's own state_dict holds the live tensors."""
        return copy.deepcopy({"module": self.module.state_dict(), "optimizer": self.optimizer.state_dict()})

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self.module.load_state_dict(state["module"])
        self.optimizer.load_state_dict(copy.deepcopy(state["optimizer"]))
