"""(lr, momentum, dampening, weight decay) and (tau, beta, eta, phi): there, back, and against torch.optim.SGD."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hl_cli.dynamics.equivalence import SGD, Coefficients, physics_of, rounds_alike, sgd_of
from hl_cli.dynamics.rules import semi_implicit_euler
from hl_cli.dynamics.weights import FlatWeights

lrs = st.floats(1e-5, 1.0)
momenta = st.one_of(st.just(0.0), st.floats(0.01, 0.99))
taus = st.sampled_from([0.1, 0.25, 0.5, 1.0, 2.0, 3.0])


@given(lrs, momenta, st.floats(0.0, 1.0), st.floats(0.0, 0.1), taus)
def test_there_and_back(lr: float, momentum: float, dampening: float, decay: float, tau: float) -> None:
    found = sgd_of(physics_of(SGD(lr, momentum, dampening, decay), tau))
    assert found.equal
    assert found.sgd.lr == pytest.approx(lr, rel=1e-12)
    assert found.sgd.momentum == pytest.approx(momentum, abs=1e-12)
    assert found.sgd.dampening == pytest.approx(dampening if momentum else 0.0, abs=1e-12)
    assert found.sgd.weight_decay == decay


def distance_after(physics: Coefficients, sgd: SGD, steps: int = 50) -> float:
    """Largest difference of float64 weights after some steps with the same random gradients."""
    torch.manual_seed(0)
    p = torch.nn.Parameter(torch.randn(37, dtype=torch.float64))
    own = FlatWeights([torch.nn.Parameter(p.detach().clone())])
    optimizer = torch.optim.SGD([p], **vars(sgd))
    for step in range(steps):
        g = torch.randn_like(p)
        p.grad = g.clone()
        optimizer.step()
        own.drive.start()
        own.drive.add(own.parameters[0], g)
        semi_implicit_euler.step(own, physics, physics.loss_weight(step), physics.phi_first, lambda omega: None)
    return float((own.parameters[0] - p).detach().abs().max())


@pytest.mark.parametrize(
    "physics",
    [
        Coefficients(1.0, 0.1, 0.3, 0.7, 1.0),  # dampening, undamped at the first step
        Coefficients(0.5, 0.1, 0.3, 0.4, 2.0, 0.01),
        Coefficients(1.0, 0.1, 1.0, 0.6, 0.6),  # no momentum: phi scales the learning rate
        Coefficients(1.0, 0.1, 0.2, 1.7, 1.7),  # phi > 1/tau: negative dampening, so moved into the learning rate
        Coefficients(0.7, 0.1, 0.0, 1.0, 1.0),  # no dissipation: momentum 1
    ],
)
def test_the_sgd_that_equals_hl(physics: Coefficients) -> None:
    found = sgd_of(physics)
    assert found.equal
    assert distance_after(physics, found.sgd) < 1e-13


def test_where_no_sgd_is_equal_the_closest_is_named_and_is_not_equal() -> None:
    physics = Coefficients(1.0, 0.1, 1.5, 1.0, 1.0)  # a momentum of -0.5
    found = sgd_of(physics)
    assert not found.equal
    assert "no SGD equals it" in found.note and found.sgd.momentum == 0.0
    assert distance_after(physics, found.sgd) > 1e-3


def test_a_jump_of_phi_above_one_has_no_sgd() -> None:
    physics = Coefficients(1.0, 0.1, 0.5, 1.5, 1.0)
    assert not sgd_of(physics).equal
    assert distance_after(physics, sgd_of(physics).sgd) > 1e-3


def test_torch_ignores_dampening_without_momentum() -> None:
    assert physics_of(SGD(0.1, 0.0, 0.5)).phi == 1.0


def test_rounds_alike_knows_the_dtype() -> None:
    sgd = SGD(0.02, 0.7, 0.3)
    assert rounds_alike(physics_of(sgd, 0.3), sgd, "float32")
    assert not rounds_alike(physics_of(sgd, 0.3), sgd, "float64")
    assert distance_after(physics_of(sgd, 0.5), sgd) == 0.0
    assert 0.0 < distance_after(physics_of(sgd, 0.3), sgd) < 1e-13
