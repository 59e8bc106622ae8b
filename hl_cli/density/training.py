r"""Training of a flow: max over weights of the mean of log w over points, one sample of p a point and step.

Adam, a cosine to zero, and a bound on the norm of the gradient of each replicate. Weights are those of the best of
`CHECKS` looks at points that are kept apart: with few rows a flow learns them by heart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from hl_cli.density.bounds import normal
from hl_cli.density.flow import Flow
from hl_cli.replicates.layers import Weights
from hl_cli.replicates.standing import Moving, Standing
from hl_cli.replicates.training import Descent

CHECKS = 20


@dataclass(frozen=True)
class Plan:
    """steps: of the weights; size: points of a step; lr: Adam's rate; clip: largest norm."""

    steps: int
    size: int
    lr: float
    clip: float


@dataclass(frozen=True)
class Trained:
    """weights: the best; best: their mean log w at the points kept apart, (r,); curve: step and (r,) of each look."""

    weights: Weights
    best: Tensor
    curve: list[tuple[int, Tensor]]


def fit(
    flow: Flow,
    weights: Weights,
    train: Tensor,
    apart: Tensor,
    plan: Plan,
    order: Sequence[torch.Generator],
    noise: Sequence[torch.Generator],
    standing: Standing,
    part: str,
) -> Trained:
    """train, apart: (r, points, n); order, noise: a generator a replicate. Raises NotFinite.

    standing, part: where it goes on, where it was begun before.
    """
    held = {name: of.clone().requires_grad_() for name, of in weights.items()}
    descent = Descent([([*held.values()], plan.lr)], plan.steps, plan.clip)
    r, count, _ = train.shape
    own, looked = torch.arange(r).unsqueeze(1), normal(apart, noise)  # the same noise at every look
    best: dict[str, Any] = {"weights": dict(weights), "best": train.new_full((r,), -torch.inf), "curve": []}
    every = max(1, plan.steps // CHECKS)
    for step in standing.steps(part, plan.steps, Moving(best, [*order, *noise], descent)):
        x = train[own, torch.stack([torch.randint(count, (plan.size,), generator=of) for of in order])]
        descent.step(-flow.log_weight(held, x, normal(x, noise)).mean(1))
        if step % every == 0 or step == plan.steps:
            with torch.no_grad():
                found = flow.log_weight(held, apart, looked).mean(1)
            better = found > best["best"]
            best["best"] = torch.where(better, found, best["best"])
            for name, of in held.items():
                best["weights"][name] = torch.where(better.view(-1, 1, 1), of.detach(), best["weights"][name])
            best["curve"].append((step, found))
    return Trained(**best)
