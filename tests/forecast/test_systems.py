"""Physical systems: exact accelerations, constants of motion, and the maps that should move them."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from hl_cli.dynamics.phase_space import Separable, observed_order, run, yoshida4
from hl_cli.dynamics.systems.base import System
from hl_cli.dynamics.systems.bodies import ThreeBody, TwoBody
from hl_cli.dynamics.systems.double_pendulum import DoublePendulum
from hl_cli.dynamics.systems.mass_spring import MassSpring
from hl_cli.dynamics.systems.pendulum import Pendulum

SYSTEMS: dict[str, System] = {
    "pendulum": Pendulum(gravity=5.0, length=0.7),
    "mass_spring": MassSpring(stiffness=3.0, mass=0.5),
    "two_body": TwoBody(gravity=2.0),
    "three_body": ThreeBody(gravity=2.0),
    "double_pendulum": DoublePendulum(gravity=4.0, length=0.8, reach=2.0),
}


def starts(system: System, count: int = 5) -> tuple[Tensor, Tensor]:
    return system.draw(count, torch.Generator().manual_seed(0))


@pytest.mark.parametrize("name", SYSTEMS)
def test_the_acceleration_is_that_of_lagranges_equations(name: str) -> None:
    """d/dt dL/dv = dL/dq with L = p v - H, all derivatives by automatic differentiation."""
    system = SYSTEMS[name]
    (q, v), kick = starts(system), torch.randn(5, system.n, generator=torch.Generator().manual_seed(1)).double()
    v = v + kick
    inputs = (q.requires_grad_(), v.requires_grad_())

    def lagrangian(q: Tensor, v: Tensor) -> Tensor:
        return (system.momentum(q, v) * v).sum(-1) - system.energy(q, v)

    (by_q,) = torch.autograd.grad(lagrangian(*inputs).sum(), q)
    (by_v,) = torch.autograd.grad(lagrangian(*inputs).sum(), v, create_graph=True)
    torch.testing.assert_close(by_v, system.momentum(q, v))
    rate = torch.zeros_like(q)
    for k in range(system.n):
        moved = torch.autograd.grad(by_v[:, k].sum(), inputs, retain_graph=True, allow_unused=True)
        of_q, of_v = (torch.zeros_like(q) if of is None else of for of in moved)
        rate[:, k] = (of_q * v + of_v * system.acceleration(q, v)).sum(-1).detach()
    torch.testing.assert_close(rate, by_q, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", SYSTEMS)
def test_energy_and_momenta_stay_along_a_trajectory(name: str) -> None:
    system = SYSTEMS[name]
    q, v = system.trajectory(*starts(system, 3), 0.1, 30)
    kept = {"energy": system.energy(q, v), **system.constants(q, v)}
    assert len(kept) == (4 if system.bodies > 1 else 1)
    for of in kept.values():
        assert float((of - of[0]).abs().max()) < 1e-9
    assert float((q - q[0]).abs().max()) > 0.3  # it moves


@pytest.mark.parametrize("name", ["pendulum", "two_body"])
def test_a_trajectory_is_the_one_of_another_integrator(name: str) -> None:
    system = SYSTEMS[name]
    (q, v), of = (
        starts(system),
        Separable(lambda x: -system.mass * system.acceleration(x, x), lambda p: p / system.mass),
    )
    found = system.trajectory(q, v, 0.1, 10)
    end = run(lambda a, b, h: yoshida4(of, a, b, h), q, system.mass * v, 1 / 200, 200)
    torch.testing.assert_close(found[0][-1], end[0], rtol=0, atol=1e-8)
    torch.testing.assert_close(system.mass * found[1][-1], end[1], rtol=0, atol=1e-8)
    order = observed_order(lambda a, b, h: yoshida4(of, a, b, h), q[0], system.mass * v[0], 1.0, 40)
    assert abs(order - 4) < 0.1


def test_the_hamiltonian_of_the_double_pendulum_is_its_energy() -> None:
    system = SYSTEMS["double_pendulum"]
    assert isinstance(system, DoublePendulum)
    q, v = system.trajectory(*starts(system), 0.1, 20)
    torch.testing.assert_close(system.hamiltonian(q, system.momentum(q, v)), system.energy(q, v))


def test_small_motions_have_the_frequency_that_limits_the_step() -> None:
    for name in ("pendulum", "mass_spring", "double_pendulum"):
        system = SYSTEMS[name]
        rest = torch.zeros(system.n, dtype=torch.float64)
        jacobian = torch.autograd.functional.jacobian(lambda q, of=system: of.acceleration(q, 0 * q), rest)
        assert math.sqrt(max((-torch.linalg.eigvals(jacobian).real).tolist())) == pytest.approx(system.frequency)


def test_without_spread_bodies_go_round_in_circles() -> None:
    for kind in (TwoBody, ThreeBody):
        q, _ = kind(gravity=1.5, spread=0.0).trajectory(
            *kind(gravity=1.5, spread=0.0).draw(3, torch.Generator()), 0.1, 40
        )
        radius = q.unflatten(-1, (-1, 2)).norm(dim=-1)
        assert float((radius - radius[0]).abs().max()) < 1e-6
