r"""Chains of draws: Hamiltonian Monte Carlo with one of the trajectories, a batch of chains side by side.

    p ~ N(0, G(q));   (q', p') = the end of a trajectory;   accepted with probability min(1, exp(H(q, p) - H(q', p')))

The number of steps of a trajectory is drawn for each, within `jitter` of the one asked for, the same for all chains.
What is not finite, and what has not converged, is refused. A trajectory diverges where H rises by more than a thousand,
or is not finite.

accept="exact" is for the explicit map alone, and for checks: the second copy is drawn from N((q, p), spread^2), and

    H(q, p) + (|q - q~|^2 + |p - p~|^2) / (2 spread^2)

decides. The map of both copies keeps volume and is reversible, so this keeps exp(-U) without a bias; it accepts less.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from hl_cli.replicates.standing import Moving, Standing
from hl_cli.sampling.metrics import System
from hl_cli.sampling.trajectories import Explicit, Trajectory

DIVERGED = 1000.0
Move = Callable[[System, Tensor, Tensor, float, int], Trajectory]


@dataclass(frozen=True)
class Chains:
    """What came out; q: (chains, draws, n) in the target's own coordinates, all others (chains, draws).

    accepted, diverged, unconverged: of each trajectory; energy: H at the draw; gap: largest distance of the copies;
    evaluations, steps: of each trajectory, so that their sums are those of the draws, without the warm-up; seconds:
    CPU time of the draws.
    """

    q: Tensor
    accepted: Tensor
    diverged: Tensor
    unconverged: Tensor
    energy: Tensor
    gap: Tensor
    evaluations: Tensor
    steps: Tensor
    seconds: float


COLUMNS = ("q", "accepted", "diverged", "unconverged", "energy", "gap", "evaluations", "steps")


@dataclass(frozen=True)
class Setting:
    """step: size of a step; length: steps of a trajectory."""

    step: float
    length: int


def draw(
    system: System,
    move: Move,
    setting: Setting,
    q: Tensor,
    draws: int,
    warmup: int,
    generator: torch.Generator,
    jitter: float = 0.3,
    spread: float | None = None,
    standing: Standing | None = None,
    part: str = "draws",
) -> Chains:
    """So many draws of each chain, from q (chains, n) on; spread: of accept="exact".

    standing, part: where it goes on, where it was begun before; None: it cannot be broken off.
    """
    memory: dict[str, Any] = {"q": q, "columns": {}, "seconds": 0.0}
    for step in (standing or Standing()).steps(part, warmup + draws, Moving(memory, [generator])):
        begin, k, q = time.process_time(), step - 1 - warmup, memory["q"]
        noise = torch.randn(q.shape, generator=generator, dtype=q.dtype)
        p = system.momentum(q, noise)
        share = 1 + jitter * (2 * torch.rand((), generator=generator).item() - 1)
        steps = max(1, round(share * setting.length))
        moved, before, after = _moved(system, move, q, p, setting.step, steps, generator, spread)
        rise = after - before
        lost = ~moved.converged
        chance = torch.rand(len(q), generator=generator, dtype=q.dtype)
        accepted = (chance.log() < -rise) & ~lost & moved.q.isfinite().all(1)
        q = memory["q"] = torch.where(accepted.unsqueeze(1), moved.q, q)
        if k >= 0:
            energy = torch.where(accepted, after, before)
            diverged = ~(rise <= DIVERGED)
            count = torch.full((len(q),), steps)
            found = (system.target.shown(q), accepted, diverged, lost, energy, moved.gap, moved.evaluations, count)
            for name, of in zip(COLUMNS, found, strict=True):
                column = memory["columns"].setdefault(name, of.new_zeros(len(of), draws, *of.shape[1:]))
                column[:, k] = of
            memory["seconds"] += time.process_time() - begin
    return Chains(**memory["columns"], seconds=memory["seconds"])


def _moved(
    system: System,
    move: Move,
    q: Tensor,
    p: Tensor,
    step: float,
    steps: int,
    generator: torch.Generator,
    spread: float | None,
) -> tuple[Trajectory, Tensor, Tensor]:
    """A trajectory, and what decides before and after it."""
    if spread is None:
        moved = move(system, q, p, step, steps)
        return moved, system.hamiltonian(q, p), system.hamiltonian(moved.q, moved.p)
    assert isinstance(move, Explicit)
    away = spread * torch.randn(2, *q.shape, generator=generator, dtype=q.dtype)
    moved = move(system, q, p, step, steps, (q + away[0], p + away[1]))
    assert moved.copy is not None
    far = (moved.q - moved.copy[0]).square().sum(1) + (moved.p - moved.copy[1]).square().sum(1)
    near = away.square().sum((0, 2))
    return (
        moved,
        system.hamiltonian(q, p) + near / (2 * spread**2),
        system.hamiltonian(moved.q, moved.p) + (far / (2 * spread**2)).nan_to_num(nan=float("inf")),
    )
