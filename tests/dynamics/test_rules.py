"""Laws of every update rule: its order by slope, its formula, the form in place against the pure one."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from hl_cli.dynamics import weights as flat
from hl_cli.dynamics.equivalence import Coefficients
from hl_cli.dynamics.rules import UpdateRule, explicit_euler, semi_implicit_euler
from hl_cli.dynamics.rules.base import pure
from hl_cli.dynamics.weights import FlatWeights
from hl_cli.errors import NonFinite
from tests.problems import DampedOscillator
from tests.rules import RULES


def check(omega: Tensor) -> None:
    assert torch.isfinite(omega).all()


def error_at(rule: UpdateRule, problem: DampedOscillator, steps: int, end: float = 2.0) -> float:
    weights, c = problem.weights(), problem.coefficients(end / steps)
    for _ in range(steps):
        problem.push(weights)
        rule.step(weights, c, c.phi, c.phi_first, check)
    theta, omega = problem.exact(end)
    at = rule.full(weights, c)
    return math.hypot(float(at[0][0]) - theta, float(at[1][0]) - omega)


@pytest.mark.parametrize("name", RULES)
def test_error_falls_with_the_declared_order(name: str) -> None:
    rule, problem = RULES[name], DampedOscillator()
    coarse, fine = 1000, 4000
    slope = math.log(error_at(rule, problem, coarse) / error_at(rule, problem, fine)) / math.log(4)
    assert abs(slope - rule.order) < 0.05


def test_only_the_semi_implicit_order_keeps_the_energy_of_an_undamped_weight() -> None:
    problem = DampedOscillator(eta=0.0)
    drift = {}
    for rule in (semi_implicit_euler, explicit_euler):
        weights, c = problem.weights(), problem.coefficients(0.01)
        before = problem.energy(weights.theta, weights.omega)
        for _ in range(20_000):
            problem.push(weights)
            rule.step(weights, c, c.phi, c.phi_first, check)
        drift[rule.name] = problem.energy(weights.theta, weights.omega) / before
    assert abs(drift["semi_implicit_euler"] - 1) < 0.02
    assert drift["explicit_euler"] > 5


@pytest.mark.parametrize("rule", [semi_implicit_euler, explicit_euler], ids=lambda rule: rule.name)
@pytest.mark.parametrize("c", [Coefficients(0.5, 0.3, 0.8, 1.1, 1.1, 0.01), Coefficients(0.5, 0.3, 2.0, 1.1, 1.1)])
def test_one_step_is_the_written_formula(rule: UpdateRule, c: Coefficients) -> None:
    """With memory and without (tau eta = 1), with weight decay and without, for each order."""
    problem = DampedOscillator()
    weights = problem.weights()
    theta, omega = problem.start, 0.0
    for _ in range(5):
        problem.push(weights)
        rule.step(weights, c, c.phi, c.phi_first, check)
        new = (1 - c.tau * c.eta) * omega + c.tau * c.phi * (problem.k * theta + c.weight_decay * theta)
        theta -= c.tau * c.beta * (new if rule.newest else omega)
        omega = new
        assert float(weights.theta[0]) == pytest.approx(theta, rel=1e-14)
        assert float(weights.omega[0]) == pytest.approx(omega, rel=1e-14)


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
@pytest.mark.parametrize("eta", [0.1, 1.0])
def test_a_refused_costate_leaves_the_weights(rule: UpdateRule, eta: float) -> None:
    problem = DampedOscillator()
    weights, c = problem.weights(), Coefficients(1.0, 0.1, eta, 1.0, 1.0)
    before = weights.theta.clone()

    def refuse(omega: Tensor) -> None:
        raise NonFinite("weight costate")

    problem.push(weights)
    with pytest.raises(NonFinite):
        rule.step(weights, c, c.phi, c.phi_first, refuse)
    assert torch.equal(weights.theta, before)


COEFFICIENTS = {
    "momentum": Coefficients(1.0, 0.1, 0.3, 0.7, 1.0),
    "decay": Coefficients(0.5, 0.1, 0.3, 1.1, 1.1, 0.01),
    "no memory": Coefficients(1.0, 0.1, 1.0, 0.6, 0.6, 0.01),
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("c", COEFFICIENTS.values(), ids=COEFFICIENTS)
@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_the_form_in_place_is_the_pure_form(
    rule: UpdateRule, c: Coefficients, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In flat buffers with padding, in pieces, with a weight that rests and one that begins late: the same bits."""
    monkeypatch.setattr(flat, "PIECE", 33)
    torch.manual_seed(0)
    shapes = [(7, 5), (1,), (13,), (3, 17), (2, 3, 4)]
    weights = FlatWeights([nn.Parameter(torch.randn(shape, dtype=dtype)) for shape in shapes])
    theta = [p.detach().clone() for p in weights.parameters]
    omega = [torch.zeros_like(p) for p in theta]
    taken = [0] * len(shapes)
    with torch.no_grad():
        for step in range(12):
            resting = {1} if step < 3 else {2, 3} if step == 7 else set()
            weights.drive.start()
            for k, p in enumerate(weights.parameters):
                if k in resting:
                    weights.drive.pass_over([p])
                    continue
                g = torch.randn_like(p)
                weights.drive.add(p, g)
                given = [part.clone() for part in (theta[k], omega[k], g)]
                new = pure(rule, theta[k], omega[k], g, c, c.loss_weight(taken[k]))
                for part, before in zip((theta[k], omega[k], g), given, strict=True):
                    assert torch.equal(part, before)
                theta[k], omega[k] = new
                taken[k] += 1
            weights.finish()
            rule.step(weights, c, c.loss_weight(step), c.phi_first, check)
            for k, p in enumerate(weights.parameters):
                assert torch.equal(p, theta[k]) and torch.equal(weights.costates()[p], omega[k])
