"""The batched maps against formulas for one trial, against HL's own rules, and against one another."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from hl_cli.config.minimise import METHODS as NAMES
from hl_cli.dynamics.equivalence import SGD, Coefficients, physics_of
from hl_cli.dynamics.phase_space import symplectic_defect
from hl_cli.dynamics.rules.adam import Adam
from hl_cli.dynamics.rules.base import Loose, pure
from hl_cli.dynamics.rules.euler import SemiImplicitEuler
from hl_cli.dynamics.rules.kinetic import Relativistic
from hl_cli.dynamics.rules.leapfrog import DissipativeLeapfrog
from hl_cli.minimise.methods import METHODS
from hl_cli.minimise.quadratic import Quadratic
from hl_cli.minimise.rosenbrock import Rosenbrock
from hl_cli.minimise.search import path

STEPS = 60
SETTINGS = {
    "lr": [1e-4, 2e-4, 2e-5],
    "friction": [0.1, 0.5, 0.02],
    "delta": [2.0, 0.01, 30.0],
    "alpha": [0.3, 0.0, 1.0],
    "forgetting": [0.01, 0.001, 0.1],
}


def settings_of(name: str, rows: slice = slice(None), **fixed: float) -> dict[str, Tensor]:
    found = {key: torch.tensor(SETTINGS[key], dtype=torch.float64)[rows, None] for key in METHODS[name].settings}
    return found | {key: torch.full_like(found["lr"], value) for key, value in fixed.items()}


def function() -> Rosenbrock:
    return Rosenbrock(1, torch.Generator().manual_seed(3), n=5)


def walked(name: str, settings: dict[str, Tensor], steps: int = STEPS) -> Tensor:
    """All points of all trials, (steps + 1, k, n)."""
    return torch.stack([*path(METHODS[name], function(), settings, steps)])


def naive(name: str, s: dict[str, float], steps: int) -> Tensor:
    """The same for one trial, written out."""
    g, x, points = lambda x: function().gradient(x[None])[0], function().start[0], []
    v, second = torch.zeros_like(x), torch.zeros_like(x)
    eps, mu, delta, alpha = s["lr"], 1 - s["friction"], s.get("delta", 0.0), s.get("alpha", 1.0)
    for t in range(1, steps + 1):
        if name in ("momentum", "relativistic"):
            v = mu * v - eps * g(x)
            x = x + v / math.sqrt(1 + delta * float(v @ v))
        elif name == "nag":
            v = mu * v - eps * g(x + mu * v)
            x = x + v
        elif name == "adam":
            d = g(x)
            v, second = mu * v + (1 - mu) * d, (1 - s["forgetting"]) * second + s["forgetting"] * d**2
            root = (second / (1 - (1 - s["forgetting"]) ** t)).sqrt()
            x = x - eps * v / (1 - mu**t) / (root + 1e-8)
        else:
            half = math.sqrt(mu) * v
            y = x + half / math.sqrt(1 + delta * float(half @ half))
            half = half - eps * g(y)
            x = alpha * y + (1 - alpha) * x + half / math.sqrt(1 + delta * float(half @ half))
            v = math.sqrt(mu) * half
        points.append(x)
    return torch.stack(points)


def test_the_config_names_the_methods_that_there_are() -> None:
    assert tuple(METHODS) == NAMES


@pytest.mark.parametrize("name", METHODS)
def test_a_batch_of_trials_is_the_trials_one_by_one(name: str) -> None:
    found = walked(name, settings_of(name))
    for row in range(3):
        one = {key: values[row] for key, values in SETTINGS.items() if key in METHODS[name].settings}
        torch.testing.assert_close(found[1:, row], naive(name, one, STEPS), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("row", range(3))
@pytest.mark.parametrize("name", ["momentum", "nag", "adam", "relativistic", "leapfrog", "rgd"])
def test_the_maps_are_those_of_the_update_rules(name: str, row: int) -> None:
    """HL's omega is -v / (tau beta). Nesterov's rule holds x + mu v, where its gradient is taken.

    The rule of the leapfrog drifts by half a step twice, where the method takes two whole ones.
    """
    lr, friction, forgetting, delta = (SETTINGS[key][row] for key in ("lr", "friction", "forgetting", "delta"))
    drifts = 2 if name in ("leapfrog", "rgd") else 1
    rule: Any = DissipativeLeapfrog(damping="euler") if drifts == 2 else SemiImplicitEuler()
    if name in ("relativistic", "rgd"):
        rule.kinetic = Relativistic(drifts / delta**0.5, "global")
    c: Coefficients = physics_of(SGD(drifts * lr, 1 - friction, nesterov=name == "nag"))
    kept: dict[str, Tensor] = {}
    theta = function().start[0]
    omega = torch.zeros_like(theta)
    if name == "adam":
        rule = Adam(lr=lr, betas=(1 - friction, 1 - forgetting))
        c, kept = rule.physics(), {"second": torch.zeros_like(theta)}
    found = walked(name, settings_of(name, slice(row, row + 1)))[:, 0]
    for t in range(1, STEPS + 1):
        theta, omega = pure(rule, theta, omega, function().gradient(theta[None])[0], c, c.phi, kept, t)
        held = Loose(theta, omega, omega)
        at = theta + lr * (1 - friction) * omega if name == "nag" else rule.full(held, c)[0]
        torch.testing.assert_close(found[t], at, rtol=1e-9, atol=1e-12)


def test_rgd_holds_the_others_as_limits() -> None:
    """alpha = 0 and delta = 0 is NAG, alpha = 1 and delta = 0 the leapfrog, without an alpha it is 1."""
    for name, wanted, fixed in (
        ("rgd_alpha", "nag", {"delta": 0.0, "alpha": 0.0}),
        ("rgd_alpha", "rgd", {"alpha": 1.0}),
        ("rgd", "leapfrog", {"delta": 0.0}),
        ("relativistic", "momentum", {"delta": 0.0}),
    ):
        found = walked(name, settings_of(name, **fixed))
        torch.testing.assert_close(found, walked(wanted, settings_of(wanted)), rtol=1e-9, atol=1e-12)


def test_the_half_points_of_the_leapfrog_are_momentum_with_another_rate() -> None:
    """At (1 + mu) eps, from the same start: order 2 is a matter of where the path is read."""
    s = settings_of("leapfrog")
    mu = 1 - s["friction"]
    x = function().start.expand(3, -1)
    v, halves = torch.zeros_like(x), [x]
    for _ in range(STEPS):
        halves.append(x + mu.sqrt() * v)
        x, (v,) = METHODS["leapfrog"].step(function().gradient, x, (v,), 1, s)
    found = walked("momentum", {**s, "lr": (1 + mu) * s["lr"]}, STEPS - 1)
    torch.testing.assert_close(torch.stack(halves[1:]), found, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("name", "most"), [("relativistic", 1.0), ("rgd", 2.0)])
def test_no_step_is_longer_than_the_limit(name: str, most: float) -> None:
    """1/sqrt(delta), not 1/delta, however large the gradient; for rgd two of them."""
    found = walked(name, settings_of(name, lr=1e3))
    length = (found[1:] - found[:-1]).norm(dim=2).amax(0)
    limit = most / torch.tensor(SETTINGS["delta"], dtype=torch.float64).sqrt()
    assert (length <= limit * (1 + 1e-9)).all() and (length > 0.9 * limit / most).all()


@pytest.mark.parametrize("name", [name for name in METHODS if name != "adam"])
def test_conformal_symplectic_is_what_is_declared(name: str) -> None:
    """J^T Omega J = mu Omega for the declared ones, far from it for the others."""
    s = settings_of(name, slice(1), lr=0.3)

    def gradient(x: Tensor) -> Tensor:
        return x @ Quadratic(1, torch.Generator(), n=2).matrix + x**3

    def step(q: Tensor, p: Tensor) -> tuple[Tensor, Tensor]:
        x, (v,) = METHODS[name].step(gradient, q[None], (p[None],), 1, s)
        return x[0], v[0]

    q, p = torch.tensor([[0.4, -0.7], [0.3, 0.5]], dtype=torch.float64)
    defect = symplectic_defect(step, q, p, mu=1 - SETTINGS["friction"][0])
    assert defect < 1e-13 if METHODS[name].conformal else defect > 1e-2
