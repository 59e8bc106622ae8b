"""H and Hamilton's equations: the learner's derivatives are the derivatives of the H it reports."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from hl_cli.build import Comparison
from hl_cli.dynamics.accumulator import GradientAccumulator
from hl_cli.dynamics.hamiltonian import costate_step, hamiltonian, neuron_step, share_of
from hl_cli.networks.sequence import SequenceRun
from hl_cli.types import Sample


def test_derivatives_of_h_are_what_the_blocks_pull_back() -> None:
    """H of one random block at one tick, by autograd in float64: dH/dh, dH/dz, dH/dtheta, dH/domega."""
    torch.manual_seed(0)
    from hl_cli.networks.recurrent import TanhCell

    cell = torch.nn.RNNCell(3, 4, dtype=torch.float64)
    block = TanhCell(cell)
    u, h = torch.randn(2, 3, dtype=torch.float64), torch.randn(2, 4, dtype=torch.float64, requires_grad=True)
    z = torch.randn(2, 4, dtype=torch.float64, requires_grad=True)
    omega = [torch.randn_like(p, requires_grad=True) for p in cell.parameters()]
    tau, beta, rate = 0.5, 0.3, 2.0
    f = rate * (cell(u, h) - h)
    energy = (z * f).sum() - 0.5 * beta * sum((w**2).sum() for w in omega)
    dh, dz, *rest = torch.autograd.grad(energy, [h, z, *cell.parameters(), *omega])
    dtheta, domega = rest[:4], rest[4:]
    drive = GradientAccumulator.of(*block.parameters)
    with torch.no_grad():
        (candidate,), tape = block.record(u, (h,))
        pulled = block.vjp(tape, (z * rate * tau,), drive)
        (new_h,) = neuron_step((h,), (candidate,), tau * rate)
        torch.testing.assert_close(new_h, h + tau * dz)  # dh/dt = dH/dz
        (new_z,) = costate_step((z,), pulled.h, tau * rate)
        torch.testing.assert_close(new_z, z + tau * dh)  # dz/dt = dH/dh, with the sign flip
        for p, wanted in zip(block.parameters, dtheta, strict=True):
            torch.testing.assert_close(drive[p], tau * wanted)
        for w, wanted in zip(omega, domega, strict=True):
            torch.testing.assert_close(-beta * w, wanted)  # dtheta/dt = dH/domega


@pytest.mark.parametrize("leak", [1.0, 0.3])
def test_a_neuron_with_full_leak_is_its_candidate_to_the_bit(leak: float) -> None:
    h, f = torch.randn(2, 5), torch.randn(2, 5)
    (new,) = neuron_step((h,), (f,), leak)
    assert torch.equal(new, f) == (leak == 1.0)
    torch.testing.assert_close(new, h + leak * (f - h))
    torch.testing.assert_close(neuron_step((), (f,), leak)[0], leak * f)


@pytest.mark.parametrize("overrides", [("model=mlp", "model.hidden=[9,7]"), ("model=gru", "stream=digits_rows")])
@pytest.mark.parametrize("split", ["output", "state", "state_output"])
def test_reported_physics_by_hand(build: Callable[..., Comparison], overrides: tuple[str, ...], split: str) -> None:
    """The columns of physics.csv after two steps, from the definition of H."""
    built = build(*overrides, f"split={split}", "tau=0.5", "scenario=mom_b", "dtype=float64", "batch_size=3")
    hl = built.hl
    hl.step(next(built.stream))
    theta = torch.cat([w.reshape(-1) for w in hl.weights().values()])
    omega = torch.cat([w.reshape(-1) for w in hl.weight_costates().values()])
    sample = next(built.stream)
    c = built.physics
    with torch.no_grad():
        neurons = SequenceRun(hl.split.state, hl.split.ticks(sample.inputs))
        (y,) = neurons.run("store")
        y = y if hl.split.output is None else hl.split.output.candidate(y, ())[0]
    record = hl.step(sample, observe=True)
    p = record.physics
    assert p is not None and record.loss == pytest.approx(float(torch.nn.functional.cross_entropy(y, sample.target)))
    assert p.loss_term == pytest.approx(c.phi * record.loss)
    assert p.kinetic == pytest.approx(0.5 * c.beta * float(omega.square().sum()))
    assert p.weight_norm == pytest.approx(float(theta.norm()))
    assert p.weight_costate_norm == pytest.approx(float(omega.norm()))
    assert (p.state_costate_norm > 0) == (split != "output")
    if split == "output":
        assert p.hamiltonian == pytest.approx(p.loss_term - p.kinetic)
    elif "model=mlp" in overrides:
        built.pytorch.step(next(built.fresh_stream()))  # now the same weights as HL had
        work, squares = work_of_the_layers(built.pytorch.module, sample, split)
        assert p.hamiltonian == pytest.approx(p.loss_term + c.phi * work - p.kinetic, rel=1e-12)
        assert p.state_costate_norm == pytest.approx(c.tau * c.phi * squares**0.5)


def work_of_the_layers(net: torch.nn.Module, sample: Sample, split: str) -> tuple[float, float]:
    """Sum of zeta . h and of |zeta|^2 over the state blocks of an MLP: from rest, tau f is h itself."""
    linears = [m for m in net.modules() if isinstance(m, torch.nn.Linear)]
    x, shown = sample.inputs.flatten(1), []
    for linear in linears[:-1]:
        x = linear(x).tanh()
        shown.append(x)
    y = linears[-1](x)
    shown += [y] if split == "state" else []
    zeta = torch.autograd.grad(torch.nn.functional.cross_entropy(y, sample.target), shown)
    pairs = list(zip(zeta, shown, strict=True))
    return sum(float((z * h.detach()).sum()) for z, h in pairs), sum(float(z.square().sum()) for z in zeta)


def test_hamiltonian_adds_up() -> None:
    z, h0, h1 = torch.tensor([[1.0, 2.0]]), torch.tensor([[0.5, 0.5]]), torch.tensor([[1.0, 0.0]])
    omega, theta = torch.tensor([3.0, 4.0]), torch.tensor([1.0, 0.0])
    found = hamiltonian(2.0, 0.5, [share_of([(z,)], [(h0,)], [(h1,)], theta, omega)], beta=0.1, tau=0.25)
    velocity, costate = (h1 - h0) / 0.25, 0.25 * 0.5 * z
    assert found.loss_term == 1.0
    assert found.kinetic == pytest.approx(0.05 * 25)
    assert found.state_costate_norm == pytest.approx(float(costate.norm()))
    assert found.hamiltonian == pytest.approx(1.0 + float((costate * velocity).sum()) - 1.25)


def test_costate_of_zero_leak_waits() -> None:
    z: tuple[Tensor | None, ...] = (torch.ones(1, 2), None)
    kept = costate_step(z, (None, None), 0.25)
    assert torch.equal(kept[0], torch.full((1, 2), 0.75)) and kept[1] is None  # type: ignore[arg-type]
