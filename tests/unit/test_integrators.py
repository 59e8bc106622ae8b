"""The order of the weight integrators, by slope, and what sets the two apart."""

from __future__ import annotations

import math

import pytest
import torch

from hl_cli.dynamics.equivalence import Coefficients
from hl_cli.dynamics.integrators import INTEGRATORS, Integrator, explicit_euler, semi_implicit_euler
from hl_cli.errors import NonFinite
from tests.problems import DampedOscillator


def admit(omega: torch.Tensor) -> None:
    assert torch.isfinite(omega).all()


def error_at(integrator: Integrator, problem: DampedOscillator, steps: int, end: float = 2.0) -> float:
    weights, c = problem.weights(), problem.coefficients(end / steps)
    for _ in range(steps):
        problem.push(weights)
        integrator.step(weights, c, c.phi, c.phi_first, admit)
    theta, omega = problem.exact(end)
    return math.hypot(float(weights.theta[0]) - theta, float(weights.omega[0]) - omega)


@pytest.mark.parametrize("name", INTEGRATORS)
def test_error_falls_with_the_declared_order(name: str) -> None:
    integrator, problem = INTEGRATORS[name], DampedOscillator()
    coarse, fine = 2000, 8000
    slope = math.log(error_at(integrator, problem, coarse) / error_at(integrator, problem, fine)) / math.log(4)
    assert abs(slope - integrator.order) < 0.05


def test_only_the_semi_implicit_order_keeps_the_energy_of_an_undamped_weight() -> None:
    problem = DampedOscillator(eta=0.0)
    drift = {}
    for integrator in (semi_implicit_euler, explicit_euler):
        weights, c = problem.weights(), problem.coefficients(0.01)
        before = problem.energy(weights.theta, weights.omega)
        for _ in range(20_000):
            problem.push(weights)
            integrator.step(weights, c, c.phi, c.phi_first, admit)
        drift[integrator.name] = problem.energy(weights.theta, weights.omega) / before
    assert abs(drift["semi_implicit_euler"] - 1) < 0.02
    assert drift["explicit_euler"] > 5


@pytest.mark.parametrize("integrator", INTEGRATORS.values(), ids=INTEGRATORS)
@pytest.mark.parametrize("c", [Coefficients(0.5, 0.3, 0.8, 1.1, 1.1, 0.01), Coefficients(0.5, 0.3, 2.0, 1.1, 1.1)])
def test_one_step_is_the_written_formula(integrator: Integrator, c: Coefficients) -> None:
    """With memory and without (tau eta = 1), with weight decay and without, for each order."""
    problem = DampedOscillator()
    weights = problem.weights()
    theta, omega = problem.start, 0.0
    for _ in range(5):
        problem.push(weights)
        integrator.step(weights, c, c.phi, c.phi_first, admit)
        new = (1 - c.tau * c.eta) * omega + c.tau * c.phi * (problem.k * theta + c.weight_decay * theta)
        theta -= c.tau * c.beta * (new if integrator is semi_implicit_euler else omega)
        omega = new
        assert float(weights.theta[0]) == pytest.approx(theta, rel=1e-14)
        assert float(weights.omega[0]) == pytest.approx(omega, rel=1e-14)


@pytest.mark.parametrize("integrator", INTEGRATORS.values(), ids=INTEGRATORS)
@pytest.mark.parametrize("eta", [0.1, 1.0])
def test_a_refused_costate_leaves_the_weights(integrator: Integrator, eta: float) -> None:
    problem = DampedOscillator()
    weights, c = problem.weights(), Coefficients(1.0, 0.1, eta, 1.0, 1.0)
    before = weights.theta.clone()

    def refuse(omega: torch.Tensor) -> None:
        raise NonFinite("weight costate")

    problem.push(weights)
    with pytest.raises(NonFinite):
        integrator.step(weights, c, c.phi, c.phi_first, refuse)
    assert torch.equal(weights.theta, before)
