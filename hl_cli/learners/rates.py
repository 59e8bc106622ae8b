r"""Learning rates that follow a schedule, the same numbers in every arm: a scheduler of torch.optim.lr_scheduler.

    SGD:  theta' = theta - lr_t buf'          HL:  theta' = theta - tau beta_t omega',   beta_t = (beta / lr) lr_t

The rate enters where theta moves and nowhere else: neither buf nor omega, neither eta nor phi, knows of it. So HL and
SGD that are equal at a constant rate are so at every rate. beta / lr is 1/tau, a power of two at tau 1 or 0.5: then
tau beta_t is lr_t to the bit. Where HL's own numbers moved tau phi into the learning rate (hl_cli.dynamics), beta / lr
is 1/(tau^2 phi): equal in exact arithmetic, and at round-off as far as that rounds.
A step is a sample: the rate at step k is that of step k in all arms, however often their weights move within it.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch.optim.lr_scheduler import LRScheduler

from hl_cli.dynamics.equivalence import Coefficients

Scheduler = Callable[[torch.optim.Optimizer], LRScheduler]


class Rates:
    """The learning rate of an optimizer, step by step."""

    def __init__(self, optimizer: torch.optim.Optimizer, scheduler: Scheduler) -> None:
        self._optimizer, self._scheduler = optimizer, scheduler(optimizer)

    @property
    def now(self) -> float:
        """lr_t, of the step to come."""
        return float(self._optimizer.param_groups[0]["lr"])

    def advance(self) -> None:
        """A step has been taken."""
        if self._scheduler.last_epoch > 0:
            self._scheduler.step()
            return
        with warnings.catch_warnings():  # of a first step at which no weight moved, as where no target counts
            warnings.simplefilter("ignore")
            self._scheduler.step()

    def state_dict(self) -> dict[str, Any]:
        """Where the schedule is."""
        return copy.deepcopy(self._scheduler.state_dict())

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there; what the scheduler computes next depends on the rate of now."""
        self._scheduler.load_state_dict(copy.deepcopy(state))
        for group, lr in zip(self._optimizer.param_groups, self._scheduler.get_last_lr(), strict=True):
            group["lr"] = lr


class Betas(Rates):
    """beta_t of HL. coefficients: of a constant rate lr; the scheduler sees a weight that nobody moves."""

    def __init__(self, coefficients: Coefficients, lr: float, scheduler: Scheduler) -> None:
        super().__init__(torch.optim.SGD([torch.zeros(1)], lr=lr), scheduler)
        self._gain = coefficients.beta / lr
        self._optimizer.step()  # of no gradient: torch warns of a schedule that moves before any step

    @property
    def beta(self) -> float:
        """beta_t, of the step to come."""
        return self._gain * self.now
