r"""Training: the error of the frames of a rollout, and a fixed weight on the divergence of its code.

    mean over videos   mean over t |x_t - decode(q_t)|^2 + weight * KL(z | first frames  from  N(0, I))

A step decodes some of the frames, drawn anew for each replicate: an unbiased estimate, at less than the cost of all.
Adam on a cosine to zero, and a bound on the norm of the gradient of each replicate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from hl_cli.replicates.layers import Weights
from hl_cli.replicates.standing import Moving, Standing
from hl_cli.replicates.training import Descent
from hl_cli.video.model import Model


@dataclass(frozen=True)
class Plan:
    """steps; size: videos of a step; lr; clip: largest norm; divergence: weight of the KL; h: time between frames.

    decoded: frames of a video that are compared in a step.
    """

    steps: int
    size: int
    lr: float
    clip: float
    divergence: float
    h: float
    decoded: int


def fit(
    model: Model,
    weights: Weights,
    videos: Tensor,
    plan: Plan,
    order: Sequence[torch.Generator],
    noise: Sequence[torch.Generator],
    standing: Standing,
    part: str,
) -> tuple[Weights, Tensor]:
    """Trained weights, and per step squared error a frame and KL, (steps, 2, r).

    videos: (r, count, frames, pixels). order, noise: of the videos and of z, one a replicate. Raises NotFinite.
    standing, part: where it goes on, where it was begun before.
    """
    held = {name: of.clone().requires_grad_() for name, of in weights.items()}
    descent = Descent([([*held.values()], plan.lr)], plan.steps, plan.clip)
    replicates, frames = torch.arange(len(videos)).unsqueeze(1), videos.shape[2]
    history = videos.new_zeros(plan.steps, 2, len(videos))
    moving = Moving({"history": history}, [*order, *noise], descent)
    for step in standing.steps(part, plan.steps, moving):
        chosen = torch.stack([torch.randperm(videos.shape[1], generator=of)[: plan.size] for of in order])
        drawn = [torch.randn(chosen.shape[1], model.sizes.code, generator=of) for of in noise]
        times = torch.stack([torch.randperm(frames, generator=of)[: plan.decoded] for of in order])
        batch = videos[replicates, chosen]
        error, divergence = loss_of(model, held, batch, torch.stack(drawn).to(videos), plan.h, times)
        descent.step(error + plan.divergence * divergence)
        moving.memory["history"][step - 1] = torch.stack([error.detach(), divergence.detach()])
    return {name: of.detach() for name, of in held.items()}, moving.memory["history"]


def loss_of(
    model: Model, weights: Weights, videos: Tensor, noise: Tensor, h: float, times: Tensor
) -> tuple[Tensor, Tensor]:
    """Squared error a frame and KL, (r,) each, of videos (r, b, frames, pixels); times: frames to compare, (r, k)."""
    code = model.encode(weights, videos[:, :, : model.sizes.shown])
    states = model.rollout(weights, model.start(weights, code.sample(noise)), h, videos.shape[2] - 1)
    replicates = torch.arange(len(videos)).unsqueeze(1)
    found = model.decode(weights, model.positions(weights, states).transpose(1, 2)[replicates, times])
    return (found - videos.transpose(1, 2)[replicates, times]).square().sum(-1).mean((1, 2)), code.divergence().mean(1)
