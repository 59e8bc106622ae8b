r"""Trajectories of a batch of chains, each with the count of its evaluations (dH/dq, dH/dp).

| map | for | evaluations | keeps exp(-H) |
|---|---|---|---|
| `leapfrog` | G = 1 | one a step, and one | yes |
| `implicit`: generalised leapfrog | any | as its fixed points take, a chain at a time | to their tolerance |
| `explicit`: Tao's, on two copies | any | four a step | the copies' own H; see below |

The copies of `explicit` begin equal and are bound to one another; its end is the first copy, and H(q, p) decides
whether it is accepted (Cobb et al., arXiv 1910.06243). That projection keeps neither volume nor reversibility: it is
right where the copies stay near one another. `gap` is their largest distance |q - q~| on the way.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from hl_cli.dynamics.phase_space import Phase, tao
from hl_cli.sampling.metrics import System


class Trajectory(NamedTuple):
    """The end of a trajectory, (chains, n); evaluations, converged, gap: (chains,); copy: the second one's end."""

    q: Tensor
    p: Tensor
    evaluations: Tensor
    converged: Tensor
    gap: Tensor
    copy: Phase | None = None


def leapfrog(of: System, q: Tensor, p: Tensor, h: float, steps: int) -> Trajectory:
    """Kick, drift, kick; adjacent half kicks are joined. For a separable H."""
    p = p - h / 2 * of.gradients(q, p)[0]
    for left in reversed(range(steps)):
        q = q + h * p
        p = p - (h if left else h / 2) * of.gradients(q, p)[0]
    count = torch.full((len(q),), steps + 1)
    return Trajectory(q, p, count, count > 0, torch.zeros(len(q), dtype=q.dtype))


class Implicit:
    """The generalised leapfrog of hl_cli.dynamics.phase_space, where each chain iterates until it has converged."""

    def __init__(self, tolerance: float = 1e-6, iterations: int = 30) -> None:
        self.tolerance, self.iterations = tolerance, iterations

    def __call__(self, of: System, q: Tensor, p: Tensor, h: float, steps: int) -> Trajectory:
        """converged: of a chain whose every fixed point moved by no more than the tolerance at last."""
        count = torch.zeros(len(q), dtype=torch.int64)
        good = torch.ones(len(q), dtype=torch.bool)

        def gradients(q: Tensor, p: Tensor, rows: Tensor) -> Phase:
            count[rows] += 1
            return of.gradients(q[rows], p[rows])

        def fixed(x: Tensor, step: object) -> Tensor:
            x, rows = x.clone(), torch.arange(len(x))
            for _ in range(self.iterations):
                new = step(x, rows)  # type: ignore[operator]
                still = (new - x[rows]).abs().amax(1) > self.tolerance  # a chain that is lost is not a number: no more
                x[rows] = new
                rows = rows[still]
                if not len(rows):
                    return x
            good[rows] = False
            return x

        everyone = torch.arange(len(q))
        for _ in range(steps):
            half = fixed(p, lambda x, rows, q=q, p=p: p[rows] - h / 2 * gradients(q, x, rows)[0])
            begin = q + h / 2 * gradients(q, half, everyone)[1]
            q = fixed(q, lambda x, rows, half=half, begin=begin: begin[rows] + h / 2 * gradients(x, half, rows)[1])
            p = half - h / 2 * gradients(q, half, everyone)[0]
        return Trajectory(q, p, count, good, torch.zeros(len(q), dtype=q.dtype))


class Explicit:
    """Tao's map. omega: of the binding; copy: where the second copy begins, the first itself unless said."""

    def __init__(self, omega: float = 1.0) -> None:
        self.omega = omega

    def __call__(self, of: System, q: Tensor, p: Tensor, h: float, steps: int, copy: Phase | None = None) -> Trajectory:
        """Four evaluations a step."""
        one, two = (q, p), copy or (q, p)
        gap = (one[0] - two[0]).norm(dim=1)
        for _ in range(steps):
            one, two = tao(of.gradients, one, two, h, self.omega)
            gap = gap.maximum((one[0] - two[0]).norm(dim=1).nan_to_num(nan=torch.inf))  # a lost one is far away
        count = torch.full((len(q),), 4 * steps)
        return Trajectory(*one, count, count > 0, gap, two)
