"""Maps of phase space on Hamiltonians whose mass is not 1 and whose kinetic energy is not even."""

from __future__ import annotations

import math
from functools import partial

import pytest
import torch
from torch import Tensor

from hl_cli.dynamics.phase_space import (
    Map,
    NotConverged,
    Phase,
    Separable,
    dissipative_leapfrog,
    generalised_leapfrog,
    leapfrog,
    observed_order,
    reversibility,
    run,
    symplectic_defect,
    symplectic_euler,
    tao,
    yoshida4,
)

MASS = torch.tensor([0.5, 2.0], dtype=torch.float64)
COUPLING = torch.tensor([[2.0, 0.7], [0.7, 1.5]], dtype=torch.float64)


def force(q: Tensor) -> Tensor:
    """dV/dq of V = q . COUPLING q / 2 + sum q^4 / 4."""
    return COUPLING @ q + q**3


def velocity(p: Tensor) -> Tensor:
    """dK/dp of K = sum p^2 / (2 m) + 0.1 sum p^3 / 3, which is not even."""
    return p / MASS + 0.1 * p**2


ANHARMONIC = Separable(force, velocity)
START = torch.tensor([0.6, -0.4], dtype=torch.float64), torch.tensor([0.3, 0.5], dtype=torch.float64)
KICKS = partial(leapfrog, ANHARMONIC)
DRIFTS = partial(leapfrog, ANHARMONIC, drift_first=True)


def not_separable(q: Tensor, p: Tensor) -> Phase:
    """Gradients of (q^2 + 1)(p^2 + 1) / 2, Tao's example."""
    return q * (p**2 + 1), p * (q**2 + 1)


IMPLICIT = partial(generalised_leapfrog, not_separable)


def bound(omega: float, q: Tensor, p: Tensor, h: float) -> Phase:
    """Both copies as one phase space of twice the dimension."""
    n = len(q) // 2
    one, two = tao(not_separable, (q[:n], p[:n]), (q[n:], p[n:]), h, omega)
    return torch.cat([one[0], two[0]]), torch.cat([one[1], two[1]])


def one_after_the_other(omega: float, q: Tensor, p: Tensor, h: float) -> Phase:
    """The same turn of the difference, with values that have moved already."""
    c, s = math.cos(2 * omega * h), math.sin(2 * omega * h)
    n = len(q) // 2
    (q, p), (qt, pt) = (q[:n], p[:n]), (q[n:], p[n:])
    q = (q + qt + c * (q - qt) + s * (p - pt)) / 2
    p = (p + pt - s * (q - qt) + c * (p - pt)) / 2
    qt = (q + qt - c * (q - qt) - s * (p - pt)) / 2
    pt = (p + pt + s * (q - qt) - c * (p - pt)) / 2
    return torch.cat([q, qt]), torch.cat([p, pt])


APART = torch.tensor([0.6, -0.3, 0.65, -0.2], dtype=torch.float64), torch.tensor([0.2, 0.5, 0.1, 0.6]).double()


@pytest.mark.parametrize(
    ("step", "order", "start"),
    [
        (partial(symplectic_euler, ANHARMONIC), 1, START),
        (KICKS, 2, START),
        (DRIFTS, 2, START),
        (partial(dissipative_leapfrog, ANHARMONIC, gamma=0.3), 2, START),
        (partial(yoshida4, ANHARMONIC), 4, START),
        (IMPLICIT, 2, START),
        (partial(bound, 2.0), 2, APART),
    ],
)
def test_order(step: Map, order: int, start: Phase) -> None:
    assert observed_order(step, *start, time=2.0, steps=200) == pytest.approx(order, abs=0.05)


@pytest.mark.parametrize(
    ("step", "start", "mu"),
    [
        (partial(symplectic_euler, ANHARMONIC), START, 1.0),
        (KICKS, START, 1.0),
        (DRIFTS, START, 1.0),
        (partial(yoshida4, ANHARMONIC), START, 1.0),
        (partial(dissipative_leapfrog, ANHARMONIC, gamma=0.9), START, math.exp(-0.09)),
        (partial(bound, 5.0), APART, 1.0),
    ],
)
def test_conformal_symplectic(step: Map, start: Phase, mu: float) -> None:
    assert symplectic_defect(lambda q, p: step(q, p, 0.1), *start, mu) < 1e-14


def test_what_is_not_symplectic_is_seen() -> None:
    def euler(q: Tensor, p: Tensor) -> Phase:
        return q + 0.1 * velocity(p), p - 0.1 * force(q)

    assert symplectic_defect(euler, *START) > 1e-2
    damped = partial(dissipative_leapfrog, ANHARMONIC, gamma=0.9)
    assert symplectic_defect(lambda q, p: damped(q, p, 0.1), *START) > 1e-2  # as if mu were 1
    assert symplectic_defect(lambda q, p: one_after_the_other(5.0, q, p, 0.1), *APART) > 1e-2


@pytest.mark.parametrize(
    ("step", "start", "limit"),
    [
        (KICKS, START, 1e-13),
        (DRIFTS, START, 1e-13),
        (partial(yoshida4, ANHARMONIC), START, 1e-13),
        (IMPLICIT, START, 1e-9),
        (partial(bound, 5.0), APART, 1e-13),
    ],
)
def test_reversible(step: Map, start: Phase, limit: float) -> None:
    assert reversibility(step, *start, 0.05, 40) < limit


def test_symplectic_euler_and_a_turn_one_after_the_other_are_not_reversible() -> None:
    assert reversibility(partial(symplectic_euler, ANHARMONIC), *START, 0.05, 40) > 1e-3
    assert reversibility(partial(one_after_the_other, 5.0), *APART, 0.05, 40) > 1e-2


def test_a_linear_force_has_its_exact_solution() -> None:
    """Mass 0.5, stiffness 2: the angular frequency is 2."""
    spring = Separable(lambda q: 2 * q, lambda p: p / 0.5)
    q, p = torch.tensor([1.0]).double(), torch.tensor([0.0]).double()
    end = run(partial(yoshida4, spring), q, p, 0.01, 100)
    assert torch.cat(end).tolist() == pytest.approx([math.cos(2.0), -math.sin(2.0)], abs=1e-7)


def test_a_separable_hamiltonian_makes_the_generalised_leapfrog_a_leapfrog() -> None:
    both = partial(generalised_leapfrog, lambda q, p: (force(q), velocity(p)))
    for ours, wanted in zip(run(both, *START, 0.1, 20), run(KICKS, *START, 0.1, 20), strict=True):
        torch.testing.assert_close(ours, wanted, rtol=0, atol=1e-12)


def test_copies_that_are_equal_follow_the_hamiltonian() -> None:
    """Against the implicit map with a step that is ten times as small."""
    q, p = START
    ends = run(partial(bound, 5.0), torch.cat([q, q]), torch.cat([p, p]), 0.005, 200)
    wanted = run(IMPLICIT, q, p, 0.0005, 2000)
    for ours, exact in zip(ends, wanted, strict=True):
        torch.testing.assert_close(ours[:2], exact, rtol=0, atol=2e-4)
        torch.testing.assert_close(ours[2:], exact, rtol=0, atol=2e-4)


def test_a_fixed_point_that_is_not_reached_is_said() -> None:
    with pytest.raises(NotConverged, match="after 100 iterations: a smaller step"):
        generalised_leapfrog(not_separable, *START, 50.0)
