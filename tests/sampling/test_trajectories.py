"""Trajectories of chains: what they keep, what they cost, and that they are the maps of the phase space."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from hl_cli.dynamics.phase_space import Separable, generalised_leapfrog, leapfrog, symplectic_defect
from hl_cli.sampling.metrics import Fisher, Identity, SoftAbs, System
from hl_cli.sampling.target import Whitened
from hl_cli.sampling.trajectories import Explicit, Implicit
from hl_cli.sampling.trajectories import leapfrog as chains_leapfrog
from tests.sampling.test_derivatives import noise, target_of

BANANA, FUNNEL = Fisher(target_of("banana")), SoftAbs(target_of("funnel"))


def begun(system: System, chains: int = 4) -> tuple[Tensor, Tensor]:
    q = system.target.start(chains, torch.Generator().manual_seed(7))
    return q, system.momentum(q, noise(8, *q.shape))


@pytest.mark.parametrize("system", [BANANA, FUNNEL], ids=["banana", "funnel"])
@pytest.mark.parametrize("omega", [1.0, 10.0])
def test_the_explicit_map_is_reversible(system: System, omega: float) -> None:
    q, p = begun(system)
    move = Explicit(omega)
    there = move(system, q, p, 0.02, 20)
    assert there.copy is not None
    back = move(system, there.q, there.p, -0.02, 20, there.copy)
    assert max(float((back.q - q).abs().max()), float((back.p - p).abs().max())) < 1e-12
    assert float((there.q - q).abs().max()) > 1e-2


def sequential(system: System, state: list[Tensor], h: float, omega: float) -> list[Tensor]:
    """A step whose binding uses values that have moved already, as a public implementation has it."""

    def first(q: Tensor, p: Tensor, w: Tensor, s: Tensor) -> tuple[Tensor, ...]:
        dq, dp = system.gradients(q, s)
        return q, p - h / 2 * dq, w + h / 2 * dp, s

    def second(q: Tensor, p: Tensor, w: Tensor, s: Tensor) -> tuple[Tensor, ...]:
        dq, dp = system.gradients(w, p)
        return q + h / 2 * dp, p, w, s - h / 2 * dq

    q, p, w, s = second(*first(*state))
    cos, sin = math.cos(2 * omega * h), math.sin(2 * omega * h)
    q = (q + w + cos * (q - w) + sin * (p - s)) / 2
    p = (p + s - sin * (q - w) + cos * (p - s)) / 2
    w = (q + w - cos * (q - w) - sin * (p - s)) / 2
    s = (p + s + sin * (q - w) - cos * (p - s)) / 2
    return [*first(*second(q, p, w, s))]


def test_a_sequential_binding_is_not_reversible() -> None:
    q, p = begun(FUNNEL)
    state = [q, p, q, p]
    for h in [0.1] * 20 + [-0.1] * 20:
        state = sequential(FUNNEL, state, h, 10.0)
    assert not (state[0] - q).abs().max() < 1e-2


def test_the_explicit_map_is_symplectic_in_both_copies() -> None:
    q, p = (x[:1] for x in begun(BANANA))

    def step(both_q: Tensor, both_p: Tensor) -> tuple[Tensor, Tensor]:
        copy = (both_q[2:].view(1, 2), both_p[2:].view(1, 2))
        end = Explicit(1.0)(BANANA, both_q[:2].view(1, 2), both_p[:2].view(1, 2), 0.05, 2, copy)
        assert end.copy is not None
        return torch.cat([end.q[0], end.copy[0][0]]), torch.cat([end.p[0], end.copy[1][0]])

    apart = torch.cat([q[0], q[0] + 0.01]), torch.cat([p[0], p[0] - 0.02])
    assert symplectic_defect(step, *apart) < 1e-8


def test_the_implicit_map_is_the_generalised_leapfrog() -> None:
    """Chain by chain: one does not depend on what others need."""
    q, p = begun(BANANA)
    found = Implicit(1e-13, 200)(BANANA, q, p, 0.05, 3)
    assert bool(found.converged.all()) and len(set(found.evaluations.tolist())) > 1
    for k in range(len(q)):
        x, y = q[k : k + 1], p[k : k + 1]
        for _ in range(3):
            x, y = generalised_leapfrog(BANANA.gradients, x, y, 0.05, 1e-13, 200)
        assert float((found.q[k] - x).abs().max()) < 1e-11
        alone = Implicit(1e-13, 200)(BANANA, q[k : k + 1], p[k : k + 1], 0.05, 3)
        assert alone.evaluations[0] == found.evaluations[k]


def test_a_constant_metric_makes_it_a_leapfrog() -> None:
    """The Hessian of a normal distribution is 1."""
    target = target_of("gaussian")
    q, p = begun(SoftAbs(target))
    flat = chains_leapfrog(Identity(target), q, p, 0.1, 7)
    curved = Implicit(1e-14, 100)(SoftAbs(target), q, p, 0.1, 7)
    assert float((flat.q - curved.q).abs().max()) < 1e-13 and float((flat.p - curved.p).abs().max()) < 1e-13
    x, y = q, p
    for _ in range(7):
        x, y = leapfrog(Separable(target.gradient, lambda p: p), x, y, 0.1)
    assert float((flat.q - x).abs().max()) < 1e-14


def test_evaluations_of_a_step() -> None:
    """Four explicit ones, always; more than ten implicit ones at the step of the experiment; one of HMC, and one."""
    system = Fisher(Whitened(target_of("logistic")))
    q, p = begun(system, 20)
    assert (Explicit()(system, q, p, 0.3, 6).evaluations == 4 * 6).all()
    assert float(Implicit(1e-6)(system, q, p, 0.3, 6).evaluations.double().mean()) / 6 > 10
    assert (chains_leapfrog(Identity(system.target), q, p, 0.3, 6).evaluations == 6 + 1).all()


def test_a_fixed_point_that_is_not_reached() -> None:
    q, p = begun(BANANA)
    found = Implicit(1e-12, 2)(BANANA, q, p, 0.2, 2)
    assert not found.converged.any()
