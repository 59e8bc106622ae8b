"""The PyTorch arm: what a user of PyTorch writes, with the stock optimizer, untouched."""

from __future__ import annotations

import copy
from collections.abc import Callable
from time import perf_counter
from typing import Any

import torch
from torch import nn

from hl_cli.dynamics.guards import all_finite, finite
from hl_cli.learners.clipping import Clip
from hl_cli.learners.module import ModuleLearner
from hl_cli.learners.rates import Rates, Scheduler
from hl_cli.networks.losses import Loss
from hl_cli.streams.base import as_sample
from hl_cli.types import LearnerRecord, Sample


class PyTorchLearner(ModuleLearner):
    """What a user of PyTorch writes: forward, loss.backward(), optimizer.step().

    module: maps inputs (batch, ticks, features) to (rows, outputs); loss: a mean over the batch; optimizer: a class of
    torch.optim, called with the parameters and the options.
    """

    name = "pytorch"
    update_every = 1  # learning periods (samples, or ticks of windows) between optimizer steps, of their mean gradient
    clip: Clip | None = None
    rates: Rates | None = None

    def __init__(
        self, module: nn.Module, loss: Loss, optimizer: Callable[..., torch.optim.Optimizer], **options: float
    ) -> None:
        super().__init__(module, loss)
        self.optimizer = optimizer(module.parameters(), **options)
        self._parameters = list(module.parameters())
        self._gathered = self._sums = 0  # periods since the last step, and gradients that were summed in them

    def follow(self, scheduler: Scheduler) -> None:
        """Let the learning rate follow a scheduler (hl_cli.learners.rates), before the first step."""
        self.rates = Rates(self.optimizer, scheduler)

    def step(self, sample: Sample, observe: bool = False) -> LearnerRecord:
        """One optimizer step; raises NonFinite before it. Without a target there is none."""
        record = self._step(as_sample(sample))
        if self.rates is not None:
            self.rates.advance()
        return record

    def _open(self) -> None:
        """What precedes backward(): gradients begin at zero once the weights have moved."""
        if not self._sums:
            self.optimizer.zero_grad()

    def _move(self, periods: int = 1) -> None:
        """What follows on backward()."""
        self._gathered, self._sums = self._gathered + periods, self._sums + 1
        if self._gathered < self.update_every:
            return
        for p in self._parameters if self._sums > 1 else ():
            if p.grad is not None:
                p.grad.div_(self._sums)
        self._gathered = self._sums = 0
        if self.clip is not None:
            self.clip.gradients(self._parameters)
        self.optimizer.step()

    def _step(self, sample: Sample) -> LearnerRecord:
        if sample.target is None:
            return LearnerRecord(self.predict(sample.inputs), None)
        start = perf_counter()
        self._open()
        prediction = self.module(sample.inputs)
        loss = self.loss(prediction, sample.target)
        loss.backward()
        value = loss.item()
        paused = perf_counter()
        finite(value, "loss")
        all_finite((p.grad for p in self._parameters if p.grad is not None), "gradient")
        resumed = perf_counter()
        self._move()
        self.seconds += perf_counter() - resumed + paused - start
        return LearnerRecord(prediction.detach(), value)

    def state_dict(self) -> dict[str, Any]:
        """Module and optimizer, copied: torch's own state_dict holds the live tensors."""
        own: dict[str, Any] = copy.deepcopy(
            {"module": self.module.state_dict(), "optimizer": self.optimizer.state_dict()}
        )
        if self._sums:
            own |= copy.deepcopy({"gathered": (self._gathered, self._sums), "sums": [p.grad for p in self._parameters]})
        return own if self.rates is None else {**own, "rates": self.rates.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self.module.load_state_dict(state["module"])
        self.optimizer.load_state_dict(copy.deepcopy(state["optimizer"]))
        self._gathered, self._sums = state.get("gathered", (0, 0))
        for p, g in zip(self._parameters, state.get("sums", ()), strict=False):
            p.grad = None if g is None else g.clone()
        if self.rates is not None:
            self.rates.load_state_dict(state["rates"])
