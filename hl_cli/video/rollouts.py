"""The rollouts of a trained arm, and the true frames beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from hl_cli.replicates.layers import Weights
from hl_cli.video import scores
from hl_cli.video.latents import Hamiltonian, State
from hl_cli.video.model import Model
from hl_cli.video.scenes.base import Film

SPEEDS = {"half": 0.5, "double": 2.0}


@dataclass(frozen=True)
class Truth:
    """normal: frames -back to horizon - 1, (r, b, time, pixels); speeds: others by name, from frame 0 on, where known.

    frames: those of training; power: variance of pixels, (r,); energy: the true one, (r, b), where known.
    """

    normal: Tensor
    speeds: dict[str, Tensor]
    frames: int
    back: int
    power: Tensor
    energy: Tensor | None

    @staticmethod
    def of(made: Sequence[Film], frames: int, back: int, horizon: int, device: str, dtype: torch.dtype) -> Truth:
        """Of a film a replicate."""

        def cut(first: int, count: int, speed: float) -> Tensor:
            return torch.stack([film.frames(first, count, speed) for film in made]).to(device, dtype)

        normal = cut(-back, back + horizon, 1.0)
        counts = {name: min(frames, int((horizon - 1) / speed) + 1) for name, speed in SPEEDS.items()}
        known = [name for name, speed in SPEEDS.items() if made[0].fine * speed >= 1]
        energies = [film.energy for film in made if film.energy is not None]
        return Truth(
            normal,
            {name: cut(0, counts[name], SPEEDS[name]) for name in known},
            frames,
            back,
            scores.variance(normal),
            torch.stack(energies) if energies else None,
        )

    @property
    def first(self) -> Tensor:
        """From frame 0 on."""
        return self.normal[:, :, self.back :]


@dataclass(frozen=True)
class Rollouts:
    """found: decoded frames by name, (r, b, time, pixels): normal (as in Truth, or from frame 0 on), half, double.

    states: all of them from frame -back or 0 on, (time, r, b, ..); back: frames before 0 among them; returned: the
    state after all steps of h and as many of -h; energy: the learnt H along them, (time, r, b), where there is one.
    """

    found: dict[str, Tensor]
    states: Tensor
    back: int
    returned: Tensor | None
    energy: Tensor | None

    def by_frame(self, truth: Truth) -> Tensor:
        """Error of each frame of the normal speed, (time, r)."""
        return scores.by_frame(self.found["normal"], truth.normal[:, :, truth.back - self.back :], truth.power)

    def measures(self, truth: Truth) -> dict[str, Tensor | None]:
        """All of `scores` but those of training, (r,) each; None for what there is not."""
        error, split = self.by_frame(truth), self.back + truth.frames
        of = {
            "within": error[self.back : split].mean(0),
            "beyond": error[split:].mean(0) if len(error) > split else None,
            "backward": error[: self.back].mean(0) if self.back else None,
            "there_and_back": None,
            "energy_wander": None,
            "energy_rank": None,
        }
        for name in SPEEDS:
            known = name in self.found
            of[name] = scores.by_frame(self.found[name], truth.speeds[name], truth.power).mean(0) if known else None
        if self.returned is not None:
            of["there_and_back"] = scores.there_and_back(self.states[self.back], self.returned)
        if self.energy is not None:
            of["energy_wander"] = scores.wander(self.energy[self.back :])
            if truth.energy is not None:
                of["energy_rank"] = scores.rank(self.energy[self.back].cpu(), truth.energy)
        return of


def roll(model: Model, weights: Weights, truth: Truth, h: float) -> Rollouts:
    """Every way that an arm can go, from the mean of z of the first frames of each video."""
    latent, first = model.latent, truth.first
    start = model.start(weights, model.encode(weights, first[:, :, : model.sizes.shown]).mean)
    last = first.shape[2] - 1
    ahead = model.rollout(weights, start, h, last)

    def decoded(states: Sequence[State]) -> Tensor:
        return model.decode(weights, model.positions(weights, states))

    if not latent.any_time:
        return Rollouts({"normal": decoded(ahead)}, _whole(model, weights, ahead), 0, None, None)
    behind = model.rollout(weights, start, -h, truth.back)[:0:-1]
    found = {"normal": decoded([*behind, *ahead])}
    for name, of in truth.speeds.items():
        found[name] = decoded(model.rollout(weights, start, SPEEDS[name] * h, of.shape[2] - 1))
    states = _whole(model, weights, [*behind, *ahead])
    returned = latent.whole(weights, model.rollout(weights, ahead[-1], -h, last)[-1])
    energy = torch.stack([latent.energy(weights, of) for of in states]) if isinstance(latent, Hamiltonian) else None
    return Rollouts(found, states, truth.back, returned, energy)


def _whole(model: Model, weights: Weights, states: Sequence[State]) -> Tensor:
    return torch.stack([model.latent.whole(weights, of) for of in states])
