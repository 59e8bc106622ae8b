r"""What a forecast is worth, replicate by replicate.

    error over N steps    squared error of q and v, summed over starts and the first N steps, by that of 0
    energy error          mean over the forecast of |E(t) - E(0)| / |E(0)|; the median over starts
    drift                 |mean of E over the last tenth - over the first| / |E(0)|; median and largest over starts
    constants             the same as the energy error, as differences: |c(t) - c(0)|

E is the energy of the true system at the points of the forecast. After many periods the pointwise error is a matter of
phase: a forecast that has lost it has an error of 1 to 2, and says nothing about the motion. A value that is not finite
counts as infinite.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from hl_cli.dynamics.phase_space import Phase
from hl_cli.dynamics.systems.base import System

TENTH = 10


@dataclass(frozen=True)
class Scores:
    """One arm in one replicate; None where there is no such thing. loss: mean of the last twentieth of training."""

    arm: str
    replicate: int
    parameters: int
    loss: float
    error_near: float
    error_horizon: float
    energy_error: float | None
    drift: float | None
    drift_worst: float | None
    defect: float | None
    constants: dict[str, float]


def finite(values: Tensor) -> Tensor:
    """The same, infinite where not finite."""
    return torch.where(values.isfinite(), values, torch.inf)


def error(found: Phase, truth: Phase, steps: int) -> Tensor:
    """By the power of the signal, (r,); found, truth: (time, r, b, n) twice; the start does not count."""
    first = slice(1, steps + 1)
    missed = sum((a[first] - b[first]).square().sum((0, 2, 3)) for a, b in zip(found, truth, strict=True))
    power = sum(of[first].square().sum((0, 2, 3)) for of in truth)
    assert isinstance(missed, Tensor)
    return finite(missed / power)


def energies(system: System, found: Phase) -> Tensor:
    """(E(t) - E(0)) / |E(0)|, (time, r, b)."""
    of = system.energy(*found)
    return finite((of - of[0]) / of[0].abs())


def energy_error(relative: Tensor) -> Tensor:
    """(r,) of energies."""
    return relative.abs().mean(0).median(1).values


def drift(relative: Tensor) -> tuple[Tensor, Tensor]:
    """Median and largest over starts, (r,) each."""
    part = max(1, len(relative) // TENTH)
    moved = finite((relative[-part:].mean(0) - relative[:part].mean(0)).abs())
    return moved.median(1).values, moved.amax(1)


def constants(system: System, found: Phase) -> dict[str, Tensor]:
    """Momenta, (r,) each."""
    of = system.constants(*found)
    return {name: finite((c - c[0]).abs()).mean(0).median(1).values for name, c in of.items()}
