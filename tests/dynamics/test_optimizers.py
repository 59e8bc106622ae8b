"""Every optimizer of torch that HL has: flat buffers against torch.optim over the same gradients, bit by bit."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from hl_cli.dynamics.equivalence import SGD, Coefficients, physics_of
from hl_cli.dynamics.rules import UpdateRule, semi_implicit_euler
from hl_cli.dynamics.rules.adam import Adam, AdamW
from hl_cli.dynamics.rules.base import Drift, Update, WeightState
from hl_cli.dynamics.rules.metric import Metric
from hl_cli.dynamics.rules.nadam import NAdam
from hl_cli.dynamics.rules.rmsprop import Adagrad, RMSprop
from hl_cli.dynamics.weights import FlatWeights
from tests.option_sets import OF_MASSES, SGDS

SHAPES = [(1,), (3,), (16,), (17, 2), (5, 1, 7), (43, 51)]  # with padding and without
STEPS = 120

CASES: dict[str, tuple[type[Metric], Any, list[dict[str, Any]]]] = {
    "adam": (Adam, torch.optim.Adam, OF_MASSES["adam"]),
    "adamw": (AdamW, torch.optim.AdamW, OF_MASSES["adamw"]),
    "rmsprop": (RMSprop, torch.optim.RMSprop, OF_MASSES["rmsprop"]),
    "adagrad": (Adagrad, torch.optim.Adagrad, OF_MASSES["adagrad"]),
    "nadam": (NAdam, torch.optim.NAdam, OF_MASSES["nadam"]),
}


@cache
def noise(k: int, step: int, dtype: torch.dtype) -> Tensor:
    """Drawn once for all optimizers; at first some elements are exactly 0."""
    drawn = torch.randn(SHAPES[k], dtype=dtype, generator=torch.Generator().manual_seed(1000 * k + step))
    return torch.where(torch.arange(drawn.numel()).reshape(drawn.shape) % 5 == 0, 0.0, drawn) if step < 20 else drawn


def apart(rule: UpdateRule, c: Coefficients, optimizer: Any, dtype: torch.dtype, rests: bool = False) -> int:
    """How many weights differ at the end."""
    torch.manual_seed(0)
    theirs = [nn.Parameter(torch.randn(shape, dtype=dtype)) for shape in SHAPES]
    weights = FlatWeights([nn.Parameter(p.detach().clone()) for p in theirs], rule)
    stock = optimizer(theirs)
    with torch.no_grad():
        for step in range(STEPS):
            weights.drive.start()
            for k, (p, q) in enumerate(zip(theirs, weights.parameters, strict=True)):
                p.grad = None
                if rests and ((step % 7 == 3 and k == 2) or (step < 4 and k == 4)):
                    weights.drive.pass_over([q])
                    continue
                p.grad = p.detach().sin().add_(noise(k, step, dtype)) if step >= 20 else noise(k, step, dtype).clone()
                weights.drive.add(q, p.grad)
            stock.step()
            weights.finish()
            rule.step(weights, c, c.loss_weight(step), c.phi_first, lambda omega: None)
    return sum(int((p != q).sum()) for p, q in zip(theirs, weights.parameters, strict=True))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_all_options_of_sgd(dtype: torch.dtype) -> None:
    assert len(SGDS) == 28
    for options in SGDS:
        sgd = SGD(lr=0.01, **options)
        found = apart(semi_implicit_euler, physics_of(sgd), lambda p, o=sgd: torch.optim.SGD(p, **o.options), dtype)
        assert found == 0, options


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", CASES)
def test_all_options_of_an_optimizer_with_masses(name: str, dtype: torch.dtype) -> None:
    kind, stock, sets = CASES[name]
    assert len(sets) == (16 if name in ("rmsprop", "adagrad") else 8)
    for options in sets:
        rule = kind(**options)
        found = apart(rule, rule.physics(), lambda p, r=rule: stock(p, **r.stock.options), dtype)
        assert found == 0, options


@pytest.mark.parametrize("name", CASES)
def test_weights_that_rest_count_their_own_steps(name: str) -> None:
    kind, stock, _ = CASES[name]
    rule = kind()
    assert apart(rule, rule.physics(), lambda p: stock(p, **rule.stock.options), torch.float32, rests=True) == 0


class AddedMoment(Adam):
    """The same mathematics, another order of operations: b1 omega + (1 - b1) g."""

    def moments(self, weights: WeightState, c: Coefficients, phi: float) -> Tensor:
        g, v = self.drive(weights, c, phi), weights.kept["second"]
        weights.omega.mul_(self.betas[0]).add_(g, alpha=1.0 - self.betas[0])
        v.mul_(self.betas[1]).addcmul_(g, g, value=1.0 - self.betas[1])
        return g


class MultipliedBeta(Adam):
    """The same mathematics, another order of operations: omega times beta_t."""

    def drifts(self, weights: WeightState, c: Coefficients, phi: float) -> Update:
        (drift,) = super().drifts(weights, c, phi)
        assert drift.mass is not None
        return [Drift(drift.theta, drift.along * (drift.step / drift.mass), 1.0)]


@pytest.mark.parametrize("kind", [AddedMoment, MultipliedBeta])
def test_another_order_of_operations_is_not_equal(kind: type[Adam]) -> None:
    rule = kind()
    assert apart(rule, rule.physics(), lambda p: torch.optim.Adam(p, **rule.stock.options), torch.float32) > 50


@pytest.mark.parametrize("name", CASES)
def test_the_kinetic_energy_is_of_the_masses_and_its_slope_is_the_velocity(name: str) -> None:
    """dT/domega by differences; reading T or the velocity moves nothing."""
    rule = CASES[name][0](**({"initial_accumulator_value": 0.1} if name == "adagrad" else {}))
    c, weights = rule.physics(), FlatWeights([nn.Parameter(torch.ones(7, dtype=torch.float64))], rule)
    with torch.no_grad():
        for step in range(3):
            weights.drive.start()
            weights.drive.add(weights.parameters[0], noise(1, step + 50, torch.float64).repeat(3)[:7])
            weights.finish()
            rule.step(weights, c, c.phi, c.phi_first, lambda omega: None)
    before, step = weights.omega.clone(), 1e-6
    slope = torch.zeros(7, dtype=torch.float64)
    for k in range(7):
        up, down = (
            rule.energy(weights, c)
            for weights.omega[k] in (before[k] + step, before[k] - step)  # type: ignore[misc]
        )
        weights.omega[k] = before[k]
        slope[k] = 0.5 * c.beta * (up - down) / (2 * step)  # type: ignore[operator]
    torch.testing.assert_close(rule.velocity(weights, c)[:7], slope, rtol=1e-6, atol=1e-9)
    assert torch.equal(weights.omega, before)
