"""Kinetic energies and the rules that integrate them: the invariants that each of them claims, in float64."""

from __future__ import annotations

from itertools import product

import pytest
import torch
from torch import Tensor, nn

from hl_cli.dynamics.equivalence import Coefficients
from hl_cli.dynamics.phase_space import symplectic_defect
from hl_cli.dynamics.rules.base import UpdateRule
from hl_cli.dynamics.rules.euler import ExplicitEuler, SemiImplicitEuler
from hl_cli.dynamics.rules.kinetic import Kinetic, Relativistic
from hl_cli.dynamics.rules.leapfrog import DissipativeLeapfrog, Nag, Rgd
from hl_cli.dynamics.weights import FlatWeights
from tests.anharmonic import N, drawn, step_of, with_kinetic
from tests.rules import RULES

GROUPS = ("global", "tensor", "weight")
C = Coefficients(tau=0.7, beta=0.6, eta=0.1 / 0.7, phi=1.2, phi_first=1.2)  # mu = 0.9


def rules() -> dict[str, UpdateRule]:
    """Every integrator that is registered, with each kinetic energy and each damping that it can have."""
    found = {}
    for name, damping, group in product(RULES, ("euler", "exact"), (None, *GROUPS)):
        kinetic = Relativistic(0.5, group) if group else Kinetic()
        found[f"{name} {damping} {group}"] = with_kinetic(type(RULES[name])(damping=damping), kinetic)
    return found


CONFORMAL = rules() | {f"rgd {alpha}": Rgd(alpha) for alpha in (0.0, 0.5, 1.0)}


@pytest.mark.parametrize("rule", CONFORMAL.values(), ids=CONFORMAL)
def test_a_rule_is_conformal_symplectic_exactly_where_it_says_so(rule: UpdateRule) -> None:
    """And shrinks volumes by mu^n."""
    mu, step = rule.damping(C), step_of(rule, C)
    points = list(zip(drawn(6)[::2], drawn(6)[1::2], strict=True))
    defect = max(symplectic_defect(step, *point, mu) for point in points)
    assert defect < 1e-13 if rule.conformal else defect > 1e-2

    def joined(x: Tensor) -> Tensor:
        return torch.cat(step(x[:N], x[N:]))

    jacobian = torch.autograd.functional.jacobian(joined, torch.cat(points[0]))
    volume = abs(float(torch.linalg.det(jacobian)) - mu**N)
    assert volume < 1e-12 if rule.conformal else volume > 1e-2


@pytest.mark.parametrize("make", [SemiImplicitEuler, ExplicitEuler, DissipativeLeapfrog, Nag])
@pytest.mark.parametrize("group", GROUPS)
def test_a_very_large_limit_has_the_classical_bits(make: type[UpdateRule], group: str) -> None:
    """In flat buffers of float32, where one tensor rests at first."""
    ends = []
    for kinetic in (Kinetic(), Relativistic(1e30, group)):
        torch.manual_seed(0)
        rule = with_kinetic(make(), kinetic)
        weights = FlatWeights([nn.Parameter(torch.randn(shape)) for shape in ((3, 7), (16,), (5,))], rule)
        with torch.no_grad():
            for k in range(20):
                weights.drive.start()
                for i, p in enumerate(weights.parameters):
                    weights.drive.pass_over([p]) if i == 1 and k < 4 else weights.drive.add(p, p.sin())
                weights.finish()
                rule.step(weights, C, C.phi, C.phi_first, lambda omega: None)
        ends.append(weights.theta.clone())
    assert torch.equal(*ends)


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("limit", [0.5, 2.0])
@pytest.mark.parametrize("rests", [False, True])
def test_no_group_moves_by_more_than_the_limit(group: str, limit: float, rests: bool) -> None:
    """Of a huge gradient it moves by almost that; a float32 whose square overflows is no exception."""
    rule = with_kinetic(SemiImplicitEuler(), Relativistic(limit, group))
    weights = FlatWeights([nn.Parameter(torch.zeros(shape)) for shape in ((3, 7), (16,), (5,))], rule)
    weights.drive.start()
    for i, p in enumerate(weights.parameters):
        weights.drive.pass_over([p]) if i == 1 and rests else weights.drive.add(p, torch.full_like(p, 1e25))
    weights.finish()
    rule.step(weights, C, C.phi, C.phi_first, lambda omega: None)
    move = weights.theta.double()
    parts = [p.detach().double() for p in weights.parameters if not (rests and p is weights.parameters[1])]
    sizes = {
        "global": [move.norm()],
        "tensor": [part.norm() for part in parts],
        "weight": list(torch.cat([part.flatten() for part in parts]).abs()),
    }[group]
    assert all(float(size) == pytest.approx(limit, rel=1e-6) for size in sizes)


@pytest.mark.parametrize("group", GROUPS)
def test_the_velocity_is_the_slope_of_the_kinetic_energy(group: str) -> None:
    rule = with_kinetic(SemiImplicitEuler(), Relativistic(0.5, group))
    weights = FlatWeights([nn.Parameter(torch.zeros(n, dtype=torch.float64)) for n in (2, 3)], rule)
    weights.omega.copy_(weights.laid(drawn(1)[0][[0, 1, 2, 3, 0]].split([2, 3])))
    velocity, half = rule.velocity(weights, C).clone(), C.beta / 2
    for place in (0, 1, 16, 18):
        energies = []
        for h in (1e-5, -2e-5):
            weights.omega[place] += h
            energies.append(half * (rule.energy(weights, C) or 0.0))
        weights.omega[place] += 1e-5
        assert (energies[0] - energies[1]) / 2e-5 == pytest.approx(float(velocity[place]), rel=1e-8)
