r"""What a rollout is worth, replicate by replicate. All rollouts start from the mean of z of the first frames.

    error            squared error of pixels by their variance about the mean frame: 1 is the error of the mean frame
    within, beyond   of the frames that training had, and of those after them
    backward         of the frames before the first, by steps of -h; training had none
    half, double     of as many frames as training had, at half and at double speed, by steps of h/2 and 2h
    there and back   largest distance of the state from its start after all steps of h and as many of -h, by the
                     standard deviation of starts
    energy wander    standard deviation of the learnt H along a rollout, its mean over videos, by the standard
                     deviation between videos
    energy rank      Spearman's correlation between the learnt and the true energy of a video, its absolute value: the
                     learnt one is known up to a monotone map, which may fall as well

A value that is not finite counts as infinite.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from scipy.stats import rankdata
from torch import Tensor

ERRORS = ("within", "beyond", "backward", "half", "double")
MEASURES = (*ERRORS, "there_and_back", "energy_wander", "energy_rank", "error", "divergence")


@dataclass(frozen=True)
class Scores:
    """One arm in one replicate; None where there is no such thing. error, divergence: the last of training."""

    arm: str
    replicate: int
    parameters: int
    within: float
    beyond: float | None
    backward: float | None
    half: float | None
    double: float | None
    there_and_back: float | None
    energy_wander: float | None
    energy_rank: float | None
    error: float
    divergence: float


def finite(values: Tensor) -> Tensor:
    """The same, infinite where not finite."""
    return torch.where(values.isfinite(), values, torch.inf)


def variance(frames: Tensor) -> Tensor:
    """Of pixels about the mean frame, (r,); frames: (r, b, time, pixels)."""
    return (frames - frames.mean((1, 2), keepdim=True)).square().mean((1, 2, 3))


def by_frame(found: Tensor, truth: Tensor, power: Tensor) -> Tensor:
    """The error of each frame, (time, r)."""
    return finite((found - truth).square().mean((1, 3)).T / power)


def there_and_back(start: Tensor, back: Tensor) -> Tensor:
    """(r,) of states (r, b, ..)."""
    spread = (start - start.mean(1, keepdim=True)).square().mean((1, 2)).sqrt()
    return finite((back - start).abs().amax((1, 2)) / spread)


def wander(energy: Tensor) -> Tensor:
    """(r,) of H along rollouts, (time, r, b)."""
    return finite(energy.std(0).mean(1) / energy.mean(0).std(1))


def rank(found: Tensor, truth: Tensor) -> Tensor:
    """|Spearman's correlation|, (r,) of (r, b) each, on the CPU. Equal values share their rank; NaN are last.

    0 where all of one are equal: they rank nothing.

    >>> nan, truth = float("nan"), torch.tensor([[1.0, 2.0, 3.0, 4.0]])
    >>> rank(torch.tensor([[9.0, 8.0, 7.0, 6.0]]), truth), rank(torch.tensor([[nan, nan, nan, nan]]), truth)
    (tensor([1.], dtype=torch.float64), tensor([0.], dtype=torch.float64))
    >>> rank(torch.tensor([[nan, 1.0, nan, 2.0]]), truth).item() < 0.5
    True
    """
    one, two = (torch.from_numpy(rankdata(of.nan_to_num(nan=torch.inf), axis=-1)) for of in (found, truth))
    one, two = (of - of.mean(-1, keepdim=True) for of in (one, two))
    spread = (one.square().sum(-1) * two.square().sum(-1)).sqrt()
    return torch.where(spread > 0, (one * two).sum(-1) / spread, 0.0).abs()
