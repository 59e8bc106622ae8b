r"""What is said of the chains of one method: effective sample sizes, R-hat and costs, by ArviZ.

ess_bulk, ess_tail: effective draws of the mean and of the 5 % and 95 % quantiles, the least over coordinates; r_hat:
the largest (rank-normalised, split; Vehtari et al., Bayesian Analysis 16, 2021); per_evaluation: ess_bulk a thousand
evaluations (dH/dq, dH/dp) of all chains; per_second: ess_bulk a CPU second; evaluations: a step, and on average;
diverged, unconverged: shares of trajectories; gap: largest distance of the copies on a trajectory, its median and its
maximum; ks: Kolmogorov-Smirnov distance of a known marginal, the largest; bfmi: the least over chains.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import kstest
from torch import Tensor

from hl_cli.sampling.chains import Chains, Setting
from hl_cli.sampling.target import Target

THOUSAND = 1000.0


@dataclass(frozen=True)
class Diagnostics:
    """Of one method in one replicate."""

    method: str
    replicate: int
    step: float
    length: int
    accepted: float
    ess_bulk: float
    ess_tail: float
    per_evaluation: float
    per_second: float
    evaluations: float
    r_hat: float
    diverged: float
    unconverged: float
    gap: float
    gap_most: float
    ks: float
    bfmi: float
    mean: list[float]
    std: list[float]


def diagnose(method: str, replicate: int, setting: Setting, chains: Chains, target: Target) -> Diagnostics:
    """All of it; draws that never moved have no effective size: 0, and an R-hat that is not a number."""
    from arviz_stats.base import array_stats  # with SciPy's statistics: no other task waits for it

    draws = chains.q.numpy()
    axes = {"chain_axis": 0, "draw_axis": 1}
    moved = bool(chains.accepted.any())
    with np.errstate(divide="ignore", invalid="ignore"):  # a chain that rests has no variance
        bulk = array_stats.ess(draws, method="bulk", **axes).min() if moved else 0.0
        tail = array_stats.ess(draws, method="tail", prob=(0.05, 0.95), **axes).min() if moved else 0.0
        r_hat = array_stats.rhat(draws, method="rank", **axes).max() if moved else float("nan")
    total, steps = float(chains.evaluations.sum()), float(chains.steps.sum())
    pooled = draws.reshape(-1, draws.shape[-1])
    known = [kstest(pooled[:, list(target.names).index(name)], cdf).statistic for name, cdf in target.cdf.items()]
    return Diagnostics(
        method,
        replicate,
        setting.step,
        setting.length,
        _share(chains.accepted),
        float(bulk),
        float(tail),
        float(bulk) / total * THOUSAND,
        float(bulk) / chains.seconds,
        total / steps,
        float(r_hat),
        _share(chains.diverged),
        _share(chains.unconverged),
        float(chains.gap.median()),
        float(chains.gap.max()),
        float(max(known)) if known else float("nan"),
        _bfmi(chains.energy.numpy()),
        [float(x) for x in pooled.mean(0)],
        [float(x) for x in pooled.std(0)],
    )


def _share(of: Tensor) -> float:
    return float(of.double().mean())


def _bfmi(energy: np.ndarray) -> float:
    """E-BFMI: mean squared change of H from draw to draw by its variance; low where momenta explore H slowly."""
    change, spread = np.diff(energy, axis=1), energy.var(axis=1)
    return float((np.square(change).mean(axis=1) / np.where(spread > 0, spread, np.inf)).min())
