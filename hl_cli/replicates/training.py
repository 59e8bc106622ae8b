"""Training of several nets at once: what must not mix one replicate with another."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from hl_cli.errors import BadInput


class NotFinite(ArithmeticError):
    """A loss of a replicate that is no number any more: replicate, step."""

    def __init__(self, replicate: int, step: int) -> None:
        super().__init__(f"replicate {replicate}, step {step}")
        self.replicate, self.step = replicate, step


class Descent:
    """Adam on a cosine to zero, with a bound on the norm of the gradient of each replicate.

    groups: parameters with their rate, replicates along the first dimension; steps: of the whole training; most: norm.
    """

    def __init__(self, groups: Sequence[tuple[Sequence[Tensor], float]], steps: int, most: float) -> None:
        self._parameters, self._most, self.taken = [of for group, _ in groups for of in group], most, 0
        self._optimizer = torch.optim.Adam([{"params": [*group], "lr": lr} for group, lr in groups])
        self._schedule = torch.optim.lr_scheduler.LambdaLR(self._optimizer, cosine(steps))

    def step(self, loss: Tensor) -> None:
        """One step down the loss, (r,); raises NotFinite before anything has moved."""
        self.taken += 1
        check_finite(loss.detach(), self.taken)
        self._optimizer.zero_grad()
        loss.sum().backward()
        clip(self._parameters, self._most)
        self._optimizer.step()
        self._schedule.step()

    def state_dict(self, over: bool) -> dict[str, Any]:
        """Parameters, how many steps were taken, and, where more follow, what Adam keeps of the parameters."""
        known = {"optimizer": self._optimizer.state_dict(), "schedule": self._schedule.state_dict()}
        return {"parameters": [of.detach() for of in self._parameters], "taken": self.taken, **({} if over else known)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go there; the parameters stay the same tensors. Raises BadInput for those of another net."""
        if [of.shape for of in state["parameters"]] != [of.shape for of in self._parameters]:
            raise BadInput("checkpoint: its weights have other shapes, those of another version; allowed: a new run")
        self.taken = state["taken"]
        with torch.no_grad():
            for of, kept in zip(self._parameters, state["parameters"], strict=True):
                of.copy_(kept)
        if "optimizer" in state:
            self._optimizer.load_state_dict(state["optimizer"])
            self._schedule.load_state_dict(state["schedule"])


def check_finite(loss: Tensor, step: int) -> None:
    """Raise NotFinite for the first replicate whose loss, (r,), is not finite."""
    if not bool(loss.isfinite().all()):
        raise NotFinite(int((~loss.isfinite()).nonzero()[0]), step)


def clip(parameters: list[Tensor], most: float) -> None:
    """Shrink the gradient of each replicate to a norm of `most`, as clip_grad_norm_ does with a net."""
    squares = [of.grad.flatten(1).square().sum(1) for of in parameters if of.grad is not None]
    share = (most / (torch.stack(squares).sum(0).sqrt() + 1e-6)).clamp(max=1.0)
    for of in parameters:
        if of.grad is not None:
            of.grad.mul_(share.view(-1, *[1] * (of.dim() - 1)))


def cosine(steps: int) -> Callable[[int], float]:
    """The share of the rate at a step: from 1 to 0."""
    return lambda step: (1 + math.cos(math.pi * step / steps)) / 2
