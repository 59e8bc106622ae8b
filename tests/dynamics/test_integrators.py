"""Integrators against what they equal: the paper's full points, torch's optimizers, their orders, their stability."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from hl_cli.dynamics.equivalence import SGD, Coefficients, physics_of
from hl_cli.dynamics.phase_space import run
from hl_cli.dynamics.rules.base import Loose, UpdateRule, pure
from hl_cli.dynamics.rules.euler import ExplicitEuler, SemiImplicitEuler
from hl_cli.dynamics.rules.kinetic import Kinetic, Relativistic
from hl_cli.dynamics.rules.leapfrog import DissipativeLeapfrog, Nag, Rgd
from tests.anharmonic import N, drawn, slope, step_of, with_kinetic


def reference(x: Tensor, v: Tensor, mu: float, eps: float, delta: float, alpha: float) -> tuple[Tensor, Tensor]:
    """A step of RGD as Franca et al. write it, between full points."""
    root = math.sqrt(mu)
    y = x + root * v / (1 + delta * mu * v.square().sum()).sqrt()
    half = root * v - eps * slope(y)
    x = alpha * y + (1 - alpha) * x + half / (1 + delta * half.square().sum()).sqrt()
    return x, root * half


@pytest.mark.parametrize("limit", [None, 0.5])
@pytest.mark.parametrize("alpha", [0.0, 0.4, 1.0])
def test_the_full_points_are_those_of_the_paper(alpha: float, limit: float | None) -> None:
    """v = -h omega, so that delta = kappa / h^2; the learner holds the half points alone."""
    c = Coefficients(tau=0.5, beta=0.3, eta=0.2, phi=0.4, phi_first=0.4)
    rule = with_kinetic(Rgd(alpha), Relativistic(limit) if limit else Kinetic())
    h, kappa = c.velocity / (1 + alpha), (c.velocity / limit) ** 2 if limit else 0.0
    theta, omega = drawn(1)[0], torch.zeros(N, dtype=torch.float64)
    x, v = theta.clone(), omega.clone()
    for _ in range(100):
        theta, omega = step_of(rule, c)(theta, omega)
        x, v = reference(x, v, c.decay, h * c.tau * c.phi, kappa / h**2, alpha)
        full, costate = rule.full(Loose(theta, omega, omega), c)
        assert float((full - x).abs().max()) < 1e-13
        assert float((-h * costate - v).abs().max()) < 1e-13


def test_nag_is_torch_nesterov_and_the_leapfrog_momentum_at_another_rate() -> None:
    """The half points of the leapfrog: lr (1 + mu)/2."""
    for rule, lr, nesterov in ((Nag(), 0.01, True), (DissipativeLeapfrog("euler"), 0.01 * 1.9 / 2, False)):
        c = physics_of(SGD(0.01, 0.9), tau=0.5)
        theta, omega = drawn(1)[0], torch.zeros(N, dtype=torch.float64)
        theirs = nn.Parameter(theta.clone())
        stock = torch.optim.SGD([theirs], lr=lr, momentum=0.9, nesterov=nesterov)
        for _ in range(200):
            theta, omega = pure(rule, theta, omega, slope(theta), c, 1 / c.tau)
            theirs.grad = slope(theirs.detach())
            stock.step()
            assert float((theta - theirs.detach()).abs().max()) < 1e-14


@pytest.mark.parametrize("limit", [None, 0.5])
def test_hl_is_momentum_of_the_moves(limit: float | None) -> None:
    """v' = mu v - eps g, x' = x + v' / sqrt(1 + delta |v'|^2), mu = 1 - tau eta, eps = tau^2 beta phi."""
    c = Coefficients(tau=0.5, beta=0.3, eta=0.2, phi=0.4, phi_first=0.4)
    rule = with_kinetic(SemiImplicitEuler(), Relativistic(limit) if limit else Kinetic())
    theta, omega = drawn(1)[0], torch.zeros(N, dtype=torch.float64)
    x, v = theta.clone(), omega.clone()
    for _ in range(100):
        theta, omega = step_of(rule, c)(theta, omega)
        v = c.decay * v - c.tau**2 * c.beta * c.phi * slope(x)
        x = x + v / (1 + (v.square().sum() / limit**2 if limit else 0.0)) ** 0.5
        assert float((theta - x).abs().max()) < 1e-13


ORDERS = {"euler": SemiImplicitEuler, "explicit": ExplicitEuler, "nag": Nag, "leapfrog": DissipativeLeapfrog}


@pytest.mark.parametrize("speed", [None, 0.5])
@pytest.mark.parametrize("name", ORDERS)
def test_order_at_the_full_point(name: str, speed: float | None) -> None:
    """speed: of light, in units of theta over time; a step of h goes at most h times as far."""
    x, v = drawn(1)[0] / 4, torch.zeros(N, dtype=torch.float64)
    rule = ORDERS[name]()

    def end(count: int) -> Tensor:
        c = Coefficients(tau=4.0 / count, beta=1.0, eta=0.3, phi=0.1, phi_first=0.1)
        rule.kinetic = Relativistic(speed * c.tau) if speed else Kinetic()
        theta, omega = run(lambda x, omega, h: step_of(rule, c)(x, omega), x, v, c.tau, count)
        return torch.cat(rule.full(Loose(theta, omega, omega), c))

    coarse, middle, fine = (end(count) for count in (100, 200, 400))
    found = math.log2(float((coarse - middle).norm() / (middle - fine).norm()))
    assert found == pytest.approx(rule.order, abs=0.05 if rule.order == 1 else 0.02)


def stable(rule: UpdateRule, c: Coefficients, curvature: float) -> bool:
    """Whether the linear map of one weight has no eigenvalue beyond the unit circle."""

    def joined(x: Tensor) -> Tensor:
        return torch.cat(pure(rule, x[:1], x[1:], curvature * x[:1], c, c.phi))

    jacobian = torch.autograd.functional.jacobian(joined, torch.ones(2, dtype=torch.float64))
    return float(torch.linalg.eigvals(jacobian).abs().max()) <= 1 + 1e-9


@pytest.mark.parametrize("mu", [0.5, 0.9, 0.99])
def test_limits_of_stability(mu: float) -> None:
    """The largest tau^2 beta phi lambda; h = tau / (1 + alpha) makes that of rgd 1 + alpha times the paper's."""
    c = Coefficients(tau=1.0, beta=1.0, eta=1 - mu, phi=1.0, phi_first=1.0)
    limits = {
        SemiImplicitEuler(): 2 * (1 + mu),
        ExplicitEuler(): 1 - mu,
        Nag(): 2 * (1 + mu) / (1 + 2 * mu),
        DissipativeLeapfrog("euler"): 4.0,
        Rgd(0.5): 1.5 * {0.5: 1.714, 0.9: 1.617, 0.99: 1.602}[mu],
    }
    for rule, limit in limits.items():
        low, high = 1e-4, 8.0
        while high - low > 1e-4:
            middle = (low + high) / 2
            low, high = (middle, high) if stable(rule, c, middle) else (low, middle)
        assert low == pytest.approx(limit, abs=1e-3), rule.name
