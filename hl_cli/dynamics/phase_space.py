r"""Maps of a phase space (q, p) that follow a Hamiltonian H(q, p) for a time h, and the instruments that judge them.

    dq/dt = dH/dp,    dp/dt = -dH/dq - gamma p        gamma: friction, 0 unless said

All maps are pure functions of tensors of any one shape; h may be negative, and then undoes a reversible map. A kinetic
energy K(p) need be neither |p|^2/2 nor even. Convergence orders are those of a smooth H.

| map | H | order | symplectic | cost in gradient pairs |
|---|---|---|---|---|
| `symplectic_euler` | separable | 1 | yes | 1 |
| `leapfrog`, kick or drift first | separable | 2 | yes, reversible | 2, or 1 of a chain that shares the half kicks |
| `dissipative_leapfrog` | separable | 2 | conformal, mu = exp(-gamma h) | 2 |
| `yoshida4` | separable | 4 | yes, reversible | 6 |
| `generalised_leapfrog` | any | 2 | to the tolerance of its fixed points | as many as they take |
| `tao` | any, in a doubled phase space | 2 | yes, reversible | 4 |

Sources: Hairer, Lubich, Wanner, Geometric Numerical Integration (2006), II and VI; Yoshida, Phys. Lett. A 150 (1990);
Tao, Phys. Rev. E 94 (2016), arXiv 1609.02212; Franca, Sulam, Robinson, Vidal, arXiv 1903.04100.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor

Phase = tuple[Tensor, Tensor]
Map = Callable[[Tensor, Tensor, float], Phase]
Gradients = Callable[[Tensor, Tensor], Phase]
"""(q, p) to (dH/dq, dH/dp)."""


class Separable(NamedTuple):
    """H = K(p) + V(q) by its gradients: force is dV/dq (not its negative), velocity is dK/dp."""

    force: Callable[[Tensor], Tensor]
    velocity: Callable[[Tensor], Tensor]


def symplectic_euler(of: Separable, q: Tensor, p: Tensor, h: float) -> Phase:
    """p' = p - h V'(q), q' = q + h K'(p')."""
    p = p - h * of.force(q)
    return q + h * of.velocity(p), p


def leapfrog(of: Separable, q: Tensor, p: Tensor, h: float, drift_first: bool = False) -> Phase:
    """Half a kick, a drift, half a kick; or half a drift, a kick, half a drift."""
    if drift_first:
        q = q + h / 2 * of.velocity(p)
        p = p - h * of.force(q)
        return q + h / 2 * of.velocity(p), p
    return kick_drift_kick(of, q, p, of.force(q), h)[:2]


def kick_drift_kick(of: Separable, q: Tensor, p: Tensor, force: Tensor, h: float) -> tuple[Tensor, Tensor, Tensor]:
    """The leapfrog of a chain: `force` is that at q, and the one at the new q is the third of what comes back."""
    p = p - h / 2 * force
    q = q + h * of.velocity(p)
    force = of.force(q)
    return q, p - h / 2 * force, force


def dissipative_leapfrog(of: Separable, q: Tensor, p: Tensor, h: float, gamma: float) -> Phase:
    """A leapfrog between two half dampings p exp(-gamma h / 2)."""
    damped = math.exp(-gamma * h / 2)
    q, p = leapfrog(of, q, damped * p, h)
    return q, damped * p


def yoshida4(of: Separable, q: Tensor, p: Tensor, h: float) -> Phase:
    """Three leapfrogs over w h, (1 - 2 w) h and w h, w = 1 / (2 - 2^(1/3)); the middle one goes back in time."""
    w = 1 / (2 - 2 ** (1 / 3))
    for part in (w, 1 - 2 * w, w):
        q, p = leapfrog(of, q, p, part * h)
    return q, p


class NotConverged(ArithmeticError):
    """A fixed point that was not reached within the iterations."""


def generalised_leapfrog(
    gradients: Gradients, q: Tensor, p: Tensor, h: float, tolerance: float = 1e-12, iterations: int = 100
) -> Phase:
    r"""For an H that is not separable: two fixed points and an explicit half kick.

        p1 = p - (h/2) dH/dq(q, p1),   q' = q + (h/2) (dH/dp(q, p1) + dH/dp(q', p1)),   p' = p1 - (h/2) dH/dq(q', p1)

    Raises NotConverged where an element still moves by more than the tolerance after so many iterations.
    """
    half = _fixed_point(lambda x: p - h / 2 * gradients(q, x)[0], p, tolerance, iterations)
    begin = gradients(q, half)[1]
    moved = _fixed_point(lambda x: q + h / 2 * (begin + gradients(x, half)[1]), q, tolerance, iterations)
    return moved, half - h / 2 * gradients(moved, half)[0]


def _fixed_point(step: Callable[[Tensor], Tensor], x: Tensor, tolerance: float, iterations: int) -> Tensor:
    for _ in range(iterations):
        before, x = x, step(x)
        if float((x - before).abs().max()) <= tolerance:
            return x
    raise NotConverged(f"a fixed point moves by more than {tolerance:g} after {iterations} iterations: a smaller step")


def tao(gradients: Gradients, one: Phase, two: Phase, h: float, omega: float) -> tuple[Phase, Phase]:
    r"""One step of two copies (q, p) and (q~, p~) of a phase space, bound to one another: A B C B A.

        H(q, p~) + H(q~, p) + omega (|q - q~|^2 + |p - p~|^2) / 2

    A moves p and q~ by the first H, B q and p~ by the second, each for h/2; C turns the difference of the copies by the
    angle 2 omega h, all four at once: with values that have moved already it is not reversible. Copies that are equal
    at first stay near one another. omega: of the binding; 2 omega h well below 1, beyond it resonances end the order.
    """
    (q, p), (other_q, other_p) = one, two

    def first(q: Tensor, p: Tensor, other_q: Tensor, other_p: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        dq, dp = gradients(q, other_p)
        return q, p - h / 2 * dq, other_q + h / 2 * dp, other_p

    def second(q: Tensor, p: Tensor, other_q: Tensor, other_p: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        dq, dp = gradients(other_q, p)
        return q + h / 2 * dp, p, other_q, other_p - h / 2 * dq

    q, p, other_q, other_p = second(*first(q, p, other_q, other_p))
    cos, sin = math.cos(2 * omega * h), math.sin(2 * omega * h)
    sum_q, sum_p, gap_q, gap_p = q + other_q, p + other_p, q - other_q, p - other_p
    turned_q, turned_p = cos * gap_q + sin * gap_p, cos * gap_p - sin * gap_q
    halves = [(whole + part) / 2 for whole, part in ((sum_q, turned_q), (sum_p, turned_p))]
    others = [(whole - part) / 2 for whole, part in ((sum_q, turned_q), (sum_p, turned_p))]
    q, p, other_q, other_p = first(*second(*halves, *others))
    return (q, p), (other_q, other_p)


def symplectic_defect(step: Callable[[Tensor, Tensor], Phase], q: Tensor, p: Tensor, mu: float = 1.0) -> float:
    r"""max |J^T Omega J - mu Omega| of a map (q, p) to (q', p') at a point; 0 for a conformal symplectic map.

    J: its Jacobian, (2n, 2n), by automatic differentiation; q, p: (n,). mu: by how much a step shrinks areas.

    >>> q, p = torch.ones(1, dtype=torch.float64), torch.ones(1, dtype=torch.float64)
    >>> symplectic_defect(lambda q, p: (q + 0.1 * p, p), q, p)
    0.0
    >>> round(symplectic_defect(lambda q, p: (q + 0.1 * p, p - 0.1 * q), q, p), 6)
    0.01
    """
    n = q.numel()

    def joined(x: Tensor) -> Tensor:
        return torch.cat(step(x[:n], x[n:]))

    jacobian = torch.autograd.functional.jacobian(joined, torch.cat([q, p]))
    identity, zero = torch.eye(n, dtype=q.dtype), torch.zeros(n, n, dtype=q.dtype)
    area = torch.cat([torch.cat([zero, identity], 1), torch.cat([-identity, zero], 1)])
    return float((jacobian.T @ area @ jacobian - mu * area).abs().max())


def observed_order(step: Map, q: Tensor, p: Tensor, time: float, steps: int) -> float:
    """Log2 of how much nearer the end of a path comes when h is halved: over `steps`, 2 and 4 times as many steps."""
    ends = [torch.cat(run(step, q, p, time / count, count)) for count in (steps, 2 * steps, 4 * steps)]
    coarse, fine = (float((a - b).abs().max()) for a, b in pairwise(ends))
    return math.log2(coarse / fine)


def run(step: Map, q: Tensor, p: Tensor, h: float, steps: int) -> Phase:
    """So many steps, one after the other."""
    for _ in range(steps):
        q, p = step(q, p, h)
    return q, p


def reversibility(step: Map, q: Tensor, p: Tensor, h: float, steps: int) -> float:
    """Largest distance from the start after so many steps of h and as many of -h.

    Turning the momentum round instead would ask for an even kinetic energy as well.
    """
    back = run(step, *run(step, q, p, h, steps), -h, steps)
    return max(float((a - b).abs().max()) for a, b in zip(back, (q, p), strict=True))
