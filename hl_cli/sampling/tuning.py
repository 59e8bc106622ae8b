"""A search of step size and length, with the same number of settings and of evaluations for every method.

Settings lie on a grid around those of the target: step sizes by factors of two, and trajectories of three lengths in
time. Each has the same share of the evaluations. The best is that with the most effective draws an evaluation among
those that are accepted often enough.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass

import torch
from torch import Tensor

from hl_cli.errors import BadInput
from hl_cli.replicates.standing import Moving, Standing
from hl_cli.sampling.chains import Move, Setting, draw
from hl_cli.sampling.diagnostics import Diagnostics, diagnose
from hl_cli.sampling.methods import METHODS
from hl_cli.sampling.metrics import System

TIMES = (0.5, 1.0, 2.0)  # of a trajectory, by that of the target
FEWEST = 4  # draws below which nothing can be said
LOST = 0.05  # share of trajectories that may fail to converge
Tried = tuple[Setting, Diagnostics]


@dataclass(frozen=True)
class Budget:
    """trials: settings of a method; evaluations: of a chain, for all of them together."""

    trials: int
    evaluations: int


def grid(around: Setting, trials: int) -> Iterator[Setting]:
    """So many settings: the step sizes of each length in time go down from four times that of the target.

    >>> [one.step for one in grid(Setting(0.1, 10), 4)]
    [0.4, 0.4, 0.4, 0.2]
    """
    for k in range(trials):
        step = around.step * 2.0 ** (2 - k // len(TIMES))
        time = around.step * around.length * TIMES[k % len(TIMES)]
        yield Setting(step, max(1, round(time / step)))


def tuned(
    method: str, system: System, move: Move, around: Setting, start: Tensor, budget: Budget,
    generator: torch.Generator, jitter: float, spread: float | None, standing: Standing, part: str,
) -> tuple[Setting, list[Tried]]:  # fmt: skip
    """The best setting, and all that were tried; raises BadInput where none is accepted often enough.

    standing, part: where it goes on, where it was begun before.
    """
    moving, settings = Moving({"found": []}, [generator]), [*grid(around, budget.trials)]
    share = budget.evaluations / budget.trials
    for trial in standing.steps(part, budget.trials, moving, long=True):
        setting = settings[trial - 1]
        cost = move(system, start, system.momentum(start, torch.randn(start.shape, generator=generator).double()),
                    setting.step, setting.length).evaluations.double().mean()  # fmt: skip
        draws = max(FEWEST, math.floor(share / float(cost)))
        chains = draw(system, move, setting, start, draws, 0, generator, jitter, spread)
        moving.memory["found"].append(asdict(diagnose(method, 0, setting, chains, system.target)))
    tried = [(one, Diagnostics(**of)) for one, of in zip(settings, moving.memory["found"], strict=True)]
    least = METHODS[method].least
    good = [one for one in tried if one[1].accepted >= least and one[1].unconverged <= LOST]
    if not good:
        most = max(found.accepted for _, found in tried)
        low, high = tried[-1][0].step, tried[0][0].step
        raise BadInput(
            f"tune: {METHODS[method].label}: no step from {low:g} to {high:g} is accepted often enough (at most "
            f"{most:.2f}, allowed: {least:g} and more, converged): a smaller number in step=, or more tune_trials"
        )
    return max(good, key=lambda one: one[1].per_evaluation)[0], tried
