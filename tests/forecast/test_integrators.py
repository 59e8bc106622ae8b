"""The maps of the arms: equal where they should be, symplectic where they should be, reversible, of order 2."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from hl_cli.dynamics.phase_space import observed_order, reversibility
from hl_cli.dynamics.systems.bodies import Bodies, TwoBody
from hl_cli.forecast.arms import arms
from hl_cli.forecast.defect import symplectic_defect
from hl_cli.forecast.features import Pairs, Periodic, Plain
from hl_cli.forecast.integrators import Circle, StormerVerlet, VelocityVerlet
from hl_cli.forecast.nets import Ground, Mechanical, Net, trajectory
from hl_cli.forecast.potential import Potential
from hl_cli.replicates.draws import generator_of
from hl_cli.replicates.layers import Weights

SEEDS = 2


def net_of(name: str, n: int, bodies: int = 1, hidden: int = 16) -> tuple[Net, Weights]:
    (arm,) = arms([name], bodies)
    return arm.net, arm.net.draw(n, hidden, [generator_of(0, k, arm.drawn_as) for k in range(SEEDS)])


def ground(n: int, h: float = 0.1) -> Ground:
    return Ground(n, h, torch.linspace(0.5, 2.0, n, dtype=torch.float64))  # a mass that is not 1


def points(n: int, count: int = 3) -> tuple[Tensor, Tensor]:
    both = torch.randn(2, SEEDS, count, n, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    return both[0], both[1]


@pytest.mark.parametrize("features", [Plain(), Periodic(), Pairs(2)], ids=lambda of: type(of).__name__)
def test_the_gradient_that_is_written_out_is_that_of_the_potential(features: Plain | Periodic | Pairs) -> None:
    potential, (q, _) = Potential(features), points(4)
    weights = potential.draw(4, 8, [generator_of(0, k, "U") for k in range(SEEDS)])
    (wanted,) = torch.autograd.grad(potential.value(weights, q.requires_grad_()).sum(), q)
    torch.testing.assert_close(potential.gradient(weights, q), wanted)


class Swing(Potential):
    """The force of a true pendulum, on which a motion stays bounded."""

    def gradient(self, weights: Weights, q: Tensor) -> Tensor:
        return 5 * q.sin()


def swing(integrator: VelocityVerlet) -> Net:
    return Mechanical(Swing(Plain()), integrator)


def test_stormer_verlet_is_velocity_verlet() -> None:
    (vv, weights), (sv, _) = net_of("vin_vv", 2), net_of("vin_sv", 2)
    for nets, steps in (((swing(VelocityVerlet()), swing(StormerVerlet())), 1000), ((vv, sv), 100)):
        one, two = (trajectory(net, weights, *points(2), ground(2), steps) for net in nets)
        for a, b in zip(one, two, strict=True):
            assert float((a - b).abs().max()) < 1e-10
        assert float((one[0][-1] - one[0][0]).abs().max()) > 0.1


@pytest.mark.parametrize(
    ("name", "n", "most", "least"),
    [
        ("vin_vv", 4, 1e-14, 0.0),
        ("vin_sv", 4, 1e-13, 0.0),
        ("vin_so2", 4, 1e-13, 0.0),
        ("vin_pairs", 4, 1e-14, 0.0),
        ("direct", 1, 1e-14, 0.0),  # every force of one variable is a gradient
        ("direct", 4, 1.0, 1e-3),
        ("euler", 4, 1.0, 1e-4),
        ("residual", 1, 1.0, 1e-3),
    ],
)
def test_symplectic_is_what_has_a_potential_and_a_verlet_step(name: str, n: int, most: float, least: float) -> None:
    net, weights = net_of(name, n, bodies=2)
    defect = symplectic_defect(net, weights, *points(n), ground(n))
    assert defect.shape == (SEEDS,) and least <= float(defect.min()) and float(defect.max()) < most


@pytest.mark.parametrize("integrator", [VelocityVerlet(), Circle()], ids=["verlet", "circle"])
def test_a_thousand_steps_are_undone_and_the_order_is_2(integrator: VelocityVerlet) -> None:
    net = swing(integrator)

    def step(q: Tensor, v: Tensor, h: float) -> tuple[Tensor, Tensor]:
        of = ground(2, h)
        return net.read(net.step({}, net.begin({}, q, v, of), of), of)

    assert reversibility(step, *points(2), 0.1, 1000) < 1e-10
    assert abs(observed_order(step, *points(2), 1.0, 40) - 2) < 0.02


def test_on_the_circle_a_turn_changes_nothing_and_the_sine_recursion_holds() -> None:
    net, weights = net_of("vin_so2", 1)
    (q, v), of = points(1), ground(1)
    there = trajectory(net, weights, q, v, of, 100)
    turned = trajectory(net, weights, q + 2 * math.pi, v, of, 100)
    torch.testing.assert_close(turned[0] - 2 * math.pi, there[0], rtol=0, atol=1e-12)
    assert isinstance(net, Mechanical)
    pull = -net.force.gradient(weights, there[0][1]) / of.mass
    before, at, after = there[0][:3]
    torch.testing.assert_close((after - at).sin(), (at - before).sin() + of.h**2 * pull, rtol=0, atol=1e-14)
    sharp = Circle().velocity(torch.tensor([1e6], dtype=torch.float64), 0.1)
    assert float(sharp) == pytest.approx(math.asin(0.9999) / 0.1)


def test_a_potential_of_distances_keeps_momentum_and_angular_momentum() -> None:
    net, weights = net_of("vin_pairs", 4, bodies=2)
    system: Bodies = TwoBody()
    q, v = (of.view(1, 3, 4).expand(SEEDS, 3, 4) for of in system.draw(3, torch.Generator().manual_seed(0)))
    path = trajectory(net, weights, q, v, Ground(4, 0.1, system.mass), 1000)
    for of in system.constants(*path).values():
        assert float((of - of[0]).abs().max()) < 1e-13
    moved = trajectory(*net_of("vin_vv", 4), q, v, Ground(4, 0.1, system.mass), 100)
    turn = system.constants(*moved)["angular_momentum"]
    assert float((turn - turn[0]).abs().max()) > 1e-3  # a potential of positions does not


def test_replicates_do_not_see_one_another() -> None:
    for name in ("vin_vv", "residual2", "gru"):
        net, weights = net_of(name, 2)
        q, v = points(2)
        both = trajectory(net, weights, q, v, ground(2), 5)
        for k in range(SEEDS):
            alone = {key: of[k : k + 1] for key, of in weights.items()}
            one = trajectory(net, alone, q[k : k + 1], v[k : k + 1], ground(2), 5)
            torch.testing.assert_close(one[0], both[0][:, k : k + 1])
            torch.testing.assert_close(one[1], both[1][:, k : k + 1])


def test_the_gru_is_that_of_torch() -> None:
    net, weights = net_of("gru", 2, hidden=8)
    cell = torch.nn.GRUCell(4, 8).double()
    (q, v), of = points(2), ground(2)
    with torch.no_grad():
        for name, part in (("ih", "x"), ("hh", "h")):
            getattr(cell, f"weight_{name}").copy_(weights[f"{part}_weight"][0].T)
            getattr(cell, f"bias_{name}").copy_(weights[f"{part}_bias"][0, 0])
        hidden = torch.zeros(3, 8, dtype=torch.float64)
        state = net.begin(weights, q, v, of)
        for _ in range(3):
            hidden = cell(state[0][0], hidden)
            state = net.step(weights, state, of)
            torch.testing.assert_close(state[1][0], hidden)


def test_verlet_reads_what_it_was_given() -> None:
    (q, v) = points(1)
    for integrator in (VelocityVerlet(), Circle()):
        found = integrator.read(integrator.begin(lambda x: -x, q, v, 0.1), 0.1)
        torch.testing.assert_close(found[0], q)
        torch.testing.assert_close(found[1], v)
