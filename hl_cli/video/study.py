"""A whole comparison: the same videos, in the same order, for every arm; all replicates of an arm at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from hl_cli.replicates.draws import generator_of
from hl_cli.replicates.layers import Weights, count
from hl_cli.replicates.standing import Standing
from hl_cli.video import scores
from hl_cli.video.arms import Arm
from hl_cli.video.model import Model, Sizes
from hl_cli.video.rollouts import Rollouts, Truth, roll
from hl_cli.video.scenes.base import Scene
from hl_cli.video.training import Plan, fit

LAST = 20  # a loss is the mean of the last twentieth of the steps


@dataclass(frozen=True)
class Data:
    """What a comparison is about. size: rows of a frame; frames: of a training video; back, horizon: of judging."""

    scene: Scene
    dt: float
    size: int
    videos: int
    frames: int
    judged: int
    back: int
    horizon: int
    sizes: Sizes
    seeds: int
    seed: int
    dtype: torch.dtype
    device: str

    def generators(self, what: str) -> list[torch.Generator]:
        """The random numbers of one purpose, one a replicate."""
        return [generator_of(self.seed, replicate, what) for replicate in range(self.seeds)]

    def training(self) -> Tensor:
        """(r, videos, frames, pixels)."""
        found = [
            self.scene.videos(self.videos, self.frames, self.dt, self.size, of) for of in self.generators("videos")
        ]
        return torch.stack(found).to(self.device, self.dtype)

    def truth(self) -> Truth:
        """What rollouts are judged by."""
        made = [
            self.scene.film(self.judged, self.back, self.horizon - 1, self.dt, self.size, of)
            for of in self.generators("films")
        ]
        return Truth.of(made, self.frames, self.back, self.horizon, self.device, self.dtype)


@dataclass(frozen=True)
class Result:
    """One arm. history: squared error a frame and KL of each step, (steps, 2, r); scores: one a replicate."""

    arm: Arm
    model: Model
    weights: Weights
    history: Tensor
    rollouts: Rollouts
    scores: Sequence[scores.Scores]


def result_of(arm: Arm, data: Data, plan: Plan, videos: Tensor, truth: Truth, standing: Standing) -> Result:
    """Train one arm and judge it; raises `NotFinite`."""
    model = Model(arm.latent, data.sizes)
    drawn = {name: of.to(data.device, data.dtype) for name, of in model.draw(data.generators("weights")).items()}
    weights, history = fit(
        model, drawn, videos, plan, data.generators("order"), data.generators("noise"), standing, arm.name
    )
    with torch.no_grad():
        rollouts = roll(model, weights, truth, data.dt)
    last = history[-max(1, len(history) // LAST) :].mean(0)
    columns = {**rollouts.measures(truth), "error": last[0], "divergence": last[1]}
    found = [
        scores.Scores(
            arm.name,
            replicate,
            count(weights),
            **{name: None if of is None else float(of[replicate]) for name, of in columns.items()},  # type: ignore[arg-type]
        )
        for replicate in range(data.seeds)
    ]
    return Result(arm, model, weights, history, rollouts, found)
