"""Training of several nets at once: what must not mix one replicate with another."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor


class NotFinite(ArithmeticError):
    """A loss of a replicate that is no number any more: replicate, step."""

    def __init__(self, replicate: int, step: int) -> None:
        super().__init__(f"replicate {replicate}, step {step}")
        self.replicate, self.step = replicate, step


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
