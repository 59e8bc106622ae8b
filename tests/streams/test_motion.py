"""Motions of physical systems as a stream: what stays the same along them, what is seen and what is asked."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from hl_cli.build import Comparison
from hl_cli.dynamics.systems.base import System
from hl_cli.dynamics.systems.bodies import ThreeBody, TwoBody
from hl_cli.dynamics.systems.double_pendulum import DoublePendulum
from hl_cli.dynamics.systems.mass_spring import MassSpring
from hl_cli.dynamics.systems.pendulum import Pendulum
from hl_cli.errors import BadInput
from hl_cli.streams.motion import Motion

SYSTEMS: dict[str, Callable[[], System]] = {
    "pendulum": Pendulum,
    "mass_spring": lambda: MassSpring(stiffness=3.0, mass=0.5),
    "two_body": TwoBody,
    "three_body": ThreeBody,
    "double_pendulum": DoublePendulum,
}


def true(name: str, show: str, **fields: Any) -> tuple[System, Tensor, Tensor]:
    """A system, and sequences of it without noise: (batch, ticks, width), and their targets (batch, ticks, width)."""
    system = SYSTEMS[name]()
    stream = Motion(
        system, ticks=12, targets="all", noise=0.0, show=show, seed=4, batch_size=20, dtype=torch.float64, **fields
    )
    sample = next(stream)
    assert sample.target is not None
    return system, sample.inputs, sample.target.unflatten(0, (20, 12))


@pytest.mark.parametrize("name", SYSTEMS)
def test_energy_and_momenta_are_those_of_the_start(name: str) -> None:
    """To the tolerance of the integrator; and the starts differ."""
    system, seen, asked = true(name, "qv")
    q, v = torch.cat((seen, asked[:, -1:]), 1).chunk(2, 2)
    kept = {"energy": system.energy(q, v), **system.constants(q, v)}
    assert len(kept) == (4 if system.bodies > 1 else 1)
    for constant in kept.values():
        assert float((constant - constant[:, :1]).abs().max()) < 1e-8
    assert float(kept["energy"][:, 0].std()) > 1e-3
    assert torch.equal(asked[:, :-1], seen[:, 1:])


def test_momenta_are_those_of_hamiltons_equations() -> None:
    """Of the double pendulum, whose mass depends on its angles: H(q, p) stays, and dq/dt = dH/dp."""
    system, seen, asked = true("double_pendulum", "qp", dt=0.01)
    assert isinstance(system, DoublePendulum)
    q, p = (part.clone().requires_grad_() for part in seen.chunk(2, 2))
    energy = system.hamiltonian(q, p)
    assert float((energy - energy[:, :1]).detach().abs().max()) < 1e-8
    by_q, by_p = torch.autograd.grad(energy.sum(), (q, p))
    middle = torch.cat((by_p, -by_q), 2)[:, 1:]
    torch.testing.assert_close((asked[:, 1:] - seen[:, :-1]) / 0.02, middle, rtol=0, atol=2e-3)


def test_noise_is_on_what_is_seen_alone() -> None:
    """The same motions with noise and without; persistence says what was seen last."""
    clean, noisy = (
        Motion(TwoBody(), horizon=3, noise=noise, show="q", batch_size=200, dtype=torch.float64)
        for noise in (0.0, 0.05)
    )
    a, b = next(clean), next(noisy)
    assert torch.equal(a.target, b.target) and b.inputs.shape == (200, 16, 4)  # type: ignore[arg-type]
    assert float((b.inputs - a.inputs).std()) == pytest.approx(0.05, rel=0.03)
    assert torch.equal(b.baseline, b.inputs[:, -1])  # type: ignore[arg-type]


def test_a_system_of_the_command_line(build: Callable[..., Comparison]) -> None:
    built = build("stream=three_body", "system@stream.system=pendulum", "stream.system.length=2", "stream.noise=0")
    angle = built.stream.held_out().inputs[..., 0]
    assert math.pi / 2 < float(angle.abs().max()) < 2.7 and "Pendulum" in built.stream.origin


def test_rows_of_a_file_are_no_motions() -> None:
    rows = Pendulum()
    rows.conserved = False  # type: ignore[misc]
    with pytest.raises(BadInput, match=r"stream\.system=series: no motion is drawn of it; allowed: a system with"):
        Motion(rows)
