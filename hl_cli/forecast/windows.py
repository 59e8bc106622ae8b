"""What is learnt from: windows of observed points. All arms see the same ones in the same order."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from hl_cli.dynamics.phase_space import Phase


@dataclass(frozen=True)
class Windows:
    """q, v: (r, w, points, n), of r replicates with w windows each."""

    q: Tensor
    v: Tensor

    @property
    def count(self) -> int:
        """Windows of a replicate."""
        return self.q.shape[1]

    @property
    def steps(self) -> int:
        """Of a forecast over one window."""
        return self.q.shape[2] - 1

    def to(self, dtype: torch.dtype) -> Windows:
        """In another precision."""
        return Windows(self.q.to(dtype), self.v.to(dtype))


def cut(seen: list[Phase], points: int, stride: int) -> Windows:
    """Windows of trajectories (time, count, n), a pair a replicate; those of one trajectory begin `stride` apart."""
    cut_out = [[of.unfold(0, points, stride).flatten(0, 1).mT for of in pair] for pair in seen]
    return Windows(torch.stack([q for q, _ in cut_out]), torch.stack([v for _, v in cut_out]))


def noisy(truth: Phase, noise: float, generator: torch.Generator) -> Phase:
    """The same with Gaussian noise of this standard deviation in every position and velocity."""
    q, v = (of + noise * torch.randn(of.shape, generator=generator, dtype=of.dtype) for of in truth)
    return q, v


def batch(windows: Windows, size: int, generators: list[torch.Generator]) -> Tensor:
    """Numbers of windows (r, b), each replicate's drawn without replacement by its generator."""
    return torch.stack([torch.randperm(windows.count, generator=of)[:size] for of in generators])
