"""A whole comparison: the same windows, starts and steps for every arm, all replicates of an arm at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from hl_cli.dynamics.phase_space import Phase
from hl_cli.dynamics.systems.base import System
from hl_cli.forecast import scores
from hl_cli.forecast.arms import Arm
from hl_cli.forecast.defect import symplectic_defect
from hl_cli.forecast.nets import Ground, trajectory
from hl_cli.forecast.training import Plan, fit
from hl_cli.forecast.windows import Windows, cut, noisy
from hl_cli.replicates.draws import generator_of
from hl_cli.replicates.layers import Weights, count
from hl_cli.replicates.standing import Standing

POINTS = 5  # of each replicate, where the symplectic defect is taken


@dataclass(frozen=True)
class Data:
    """What a comparison is about. noise to stride: of training; starts, horizon, near: of judging."""

    system: System
    dt: float
    noise: float
    trajectories: int
    points: int
    window: int
    stride: int
    starts: int
    horizon: int
    near: int
    hidden: int
    seeds: int
    seed: int
    dtype: torch.dtype

    def generators(self, what: str) -> list[torch.Generator]:
        """The random numbers of one purpose, one a replicate."""
        return [generator_of(self.seed, replicate, what) for replicate in range(self.seeds)]

    @property
    def ground(self) -> Ground:
        """What arms are told."""
        return Ground(self.system.n, self.dt, self.system.mass.to(self.dtype))

    def windows(self) -> Windows:
        """Of observed trajectories."""
        seen = []
        for motion, noise in zip(self.generators("trajectories"), self.generators("noise"), strict=True):
            truth = self.system.sample(self.trajectories, self.points - 1, self.dt, motion, False)
            seen.append(noisy(truth, self.noise, noise))
        return cut(seen, self.window, self.stride).to(self.dtype)

    def truth(self) -> Phase:
        """(horizon + 1, r, starts, n) twice."""
        found = [self.system.sample(self.starts, self.horizon, self.dt, g, True) for g in self.generators("starts")]
        return torch.stack([q for q, _ in found], 1), torch.stack([v for _, v in found], 1)


@dataclass(frozen=True)
class Result:
    """One arm. path: its forecast, (time, r, b, n) twice; relative: of its energy, (time, r, b), or None."""

    arm: Arm
    weights: Weights
    path: Phase
    relative: Tensor | None
    scores: Sequence[scores.Scores]


def result_of(arm: Arm, data: Data, plan: Plan, windows: Windows, truth: Phase, standing: Standing) -> Result:
    """Train one arm and judge it; raises `NotFinite`."""
    system, ground, net = data.system, data.ground, arm.net
    drawn = net.draw(system.n, data.hidden, data.generators(arm.drawn_as))
    weights = {name: of.to(data.dtype) for name, of in drawn.items()}
    chosen = replace(plan, size=min(plan.size, windows.count))
    weights, losses = fit(net, weights, windows, ground, chosen, data.generators("order"), standing, arm.name)
    begin = truth[0][0].to(data.dtype), truth[1][0].to(data.dtype)
    with torch.no_grad():
        q, v = trajectory(net, weights, *begin, ground, data.horizon)
    path = q.double(), v.double()
    relative = scores.energies(system, path) if system.conserved else None
    columns = {
        "loss": losses[-max(1, len(losses) // 20) :].mean(0),
        "error_near": scores.error(path, truth, data.near),
        "error_horizon": scores.error(path, truth, data.horizon),
        "energy_error": None if relative is None else scores.energy_error(relative),
        "drift": None if relative is None else scores.drift(relative)[0],
        "drift_worst": None if relative is None else scores.drift(relative)[1],
        "defect": None,
    }
    if net.is_map:
        columns["defect"] = symplectic_defect(net, weights, begin[0][:, :POINTS], begin[1][:, :POINTS], ground)
    kept = scores.constants(system, path) if system.conserved else {}
    found = [
        scores.Scores(
            arm.name,
            replicate,
            count(weights),
            constants={name: float(of[replicate]) for name, of in kept.items()},
            **{name: None if of is None else float(of[replicate]) for name, of in columns.items()},  # type: ignore[arg-type]
        )
        for replicate in range(data.seeds)
    ]
    return Result(arm, weights, path, relative, found)
