r"""Training on windows: the squared error of a short forecast, from a start that is itself inferred.

    min over theta, (q_0, v_0)_w   mean over w, t   |q_t - q^seen_t|^2 + |v_t - v^seen_t|^2

The start of every window is a parameter beside the weights and begins at the observed point: left there, it would put
its noise into every forecast. Adam, a cosine to zero, and a bound on the norm of the gradient of each replicate.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from hl_cli.forecast.layers import Weights
from hl_cli.forecast.nets import Ground, Net, trajectory
from hl_cli.forecast.windows import Windows, batch


@dataclass(frozen=True)
class Plan:
    """steps: of the weights; size: windows of a step; lr, start_lr: of weights and of starts; clip: largest norm."""

    steps: int
    size: int
    lr: float
    start_lr: float
    clip: float


class NotFinite(ArithmeticError):
    """Weights of a replicate that are no numbers any more: replicate, step."""

    def __init__(self, replicate: int, step: int) -> None:
        super().__init__(f"replicate {replicate}, step {step}")
        self.replicate, self.step = replicate, step


def fit(
    net: Net,
    weights: Weights,
    windows: Windows,
    ground: Ground,
    plan: Plan,
    generators: list[torch.Generator],
    tick: Callable[[int], None] = lambda step: None,
) -> tuple[Weights, Tensor]:
    """Trained weights, and the loss (steps, r). generators: of the order of windows, one a replicate.

    Raises NotFinite for the first replicate whose loss is not finite.
    """
    held = {name: of.clone().requires_grad_() for name, of in weights.items()}
    starts = [of[:, :, 0].clone().requires_grad_() for of in (windows.q, windows.v)]
    optimizer = torch.optim.Adam([{"params": [*held.values()], "lr": plan.lr}, {"params": starts, "lr": plan.start_lr}])
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda k: (1 + math.cos(math.pi * k / plan.steps)) / 2)
    own = torch.arange(windows.q.shape[0]).unsqueeze(1)
    losses = []
    for step in range(plan.steps):
        chosen = own, batch(windows, plan.size, generators)
        q, v = trajectory(net, held, starts[0][chosen], starts[1][chosen], ground, windows.steps)
        wanted = (windows.q[chosen].permute(2, 0, 1, 3), windows.v[chosen].permute(2, 0, 1, 3))
        loss = ((q - wanted[0]).square() + (v - wanted[1]).square()).mean((0, 2, 3))
        optimizer.zero_grad()
        loss.sum().backward()
        _clip([*held.values(), *starts], plan.clip)
        optimizer.step()
        schedule.step()
        losses.append(loss.detach())
        if not bool(losses[-1].isfinite().all()):
            raise NotFinite(int((~losses[-1].isfinite()).nonzero()[0]), step + 1)
        tick(step + 1)
    return {name: of.detach() for name, of in held.items()}, torch.stack(losses)


def _clip(parameters: list[Tensor], most: float) -> None:
    """Shrink the gradient of each replicate to a norm of `most`, as clip_grad_norm_ does with a net."""
    squares = [of.grad.flatten(1).square().sum(1) for of in parameters if of.grad is not None]
    share = (most / (torch.stack(squares).sum(0).sqrt() + 1e-6)).clamp(max=1.0)
    for of in parameters:
        if of.grad is not None:
            of.grad.mul_(share.view(-1, *[1] * (of.dim() - 1)))
