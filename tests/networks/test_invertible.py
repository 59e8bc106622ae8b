"""Invertible state nets: the tick undone, what a tick keeps, and what is precomputed once a learning period."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from hl_cli.config.models import invertible
from hl_cli.dynamics.accumulator import GradientAccumulator
from hl_cli.networks.cell import Cell, CellBlock
from hl_cli.networks.feedforward import Dense
from hl_cli.networks.recurrent import Recurrent
from hl_cli.networks.sequence import SequenceRun
from tests.cells import INVERTIBLE, OWN_CELLS

DTYPES = {"float32": torch.float32, "float64": torch.float64}


def made(name: str, features: int, hidden: int, dtype: torch.dtype = torch.float64, **options: float) -> CellBlock:
    cell, block = OWN_CELLS[name]
    return block(cell(features, hidden, **options).to(dtype))  # type: ignore[call-arg, arg-type]


def test_the_options_that_are_said_to_be_invertible_are() -> None:
    assert sorted(INVERTIBLE) == invertible().split(", ")


def state(cell: Cell, batch: int, dtype: torch.dtype = torch.float64) -> tuple[Tensor, ...]:
    return tuple(torch.randn(batch, cell.hidden, dtype=dtype) for _ in range(cell.tensors))


@settings(max_examples=150)
@given(
    name=st.sampled_from(INVERTIBLE),
    batch=st.integers(1, 9),
    features=st.integers(1, 9),
    hidden=st.integers(1, 40),
    dtype=st.sampled_from(list(DTYPES)),
    size=st.sampled_from([0.0, 1e-3, 1.0, 1e3]),
    strength=st.floats(0.05, 1.0),
    seed=st.integers(0, 2**32 - 1),
)
def test_the_inverse_undoes_the_tick(
    name: str, batch: int, features: int, hidden: int, dtype: str, size: float, strength: float, seed: int
) -> None:
    """To some hundred roundings of the largest number met; and its tape is that of the tick."""
    torch.manual_seed(seed)
    option = {"rotation": "damping", "antisymmetric": "scale"}.get(name, "eps")
    block = made(name, features, hidden, DTYPES[dtype], **{option: strength})
    x = torch.randn(batch, features, dtype=DTYPES[dtype])
    h = tuple(s * size for s in state(block.cell, batch, DTYPES[dtype]))
    with torch.no_grad():
        block.start()
        after, tape = block.record(x, h)
        before, again = block.inverse(x, after)
    largest = max(1.0, *(float(s.abs().max()) for s in (*h, *after)))
    rounding = 300 * torch.finfo(DTYPES[dtype]).eps * largest * block.amplifies**2
    for value, wanted in zip([*before, *again], [*h, *tape], strict=True):
        assert float((value - wanted).abs().max()) <= rounding


@pytest.mark.parametrize("name", ["rotation", "antisymmetric"])
def test_the_dynamics_are_orthogonal(name: str) -> None:
    """Without a push, two ticks of two states keep their inner product; with it, their difference keeps its norm."""
    block = made(name, 3, 20)
    x, h, g = torch.randn(4, 3).double(), state(block.cell, 4), state(block.cell, 4)
    with torch.no_grad():
        block.start()
        there, here = block.candidate(x, h), block.candidate(x, g)
    before = torch.cat(h, 1) - torch.cat(g, 1)
    after = torch.cat(there, 1) - torch.cat(here, 1)
    torch.testing.assert_close(after.norm(dim=1), before.norm(dim=1), rtol=1e-13, atol=0)
    assert not torch.allclose(before, after)


def test_a_rotation_turns_by_its_angles_and_fades_by_its_damping() -> None:
    block = made("rotation", 1, 6, damping=0.5)
    angles = torch.linspace(0, 1, 6).double()
    with torch.no_grad():
        block.cell.angles.copy_(angles)
        block.cell.inputs.weight.zero_()
        block.cell.inputs.bias.zero_()
        block.start()
        q, p = block.candidate(torch.zeros(1, 1).double(), (torch.ones(1, 6).double(), torch.zeros(1, 6).double()))
    torch.testing.assert_close(torch.complex(q, p)[0], 0.5 * torch.exp(1j * angles))


def test_leapfrog_is_symplectic() -> None:
    """J^T S J = S with S = [[0, 1], [-1, 0]], J the Jacobian of (q, p) to (q', p')."""
    block, n = made("leapfrog", 2, 5, eps=0.7), 5
    x, flat = torch.randn(1, 2).double(), torch.randn(2 * n).double()

    def tick(z: Tensor) -> Tensor:
        return torch.cat(block.candidate(x, (z[None, :n], z[None, n:])), 1)[0]

    jacobian = torch.autograd.functional.jacobian(tick, flat)
    one = torch.eye(n).double()
    form = torch.cat([torch.cat([0 * one, one], 1), torch.cat([-one, 0 * one], 1)])
    torch.testing.assert_close(jacobian.t() @ form @ jacobian, form, rtol=0, atol=1e-12)
    assert (jacobian - torch.eye(2 * n).double()).abs().max() > 0.1


def test_antisymmetric_has_frequencies_up_to_its_scale() -> None:
    """|eigenvalues| of E are 1, their angles at initialisation spread from about 0 to about 0.8 scale."""
    torch.manual_seed(0)
    (e,) = made("antisymmetric", 1, 200, scale=0.5).cell.precompute()
    eigenvalues = torch.linalg.eigvals(e.detach())
    torch.testing.assert_close(eigenvalues.abs(), torch.ones(200).double())
    angles = eigenvalues.angle().abs()
    assert angles.min() < 0.02 and 0.36 < angles.max() < 0.44


@pytest.mark.parametrize("name", INVERTIBLE)
def test_derived_once_a_period_in_both_arms(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    cell, block = OWN_CELLS[name]
    net = Recurrent(cell, 2, 4, 2, 3)
    calls, pulls = [], []
    precompute = cell.precompute
    monkeypatch.setattr(cell, "precompute", lambda self: calls.append(self) or precompute(self))
    net(torch.randn(5, 7, 2))
    assert len(calls) == 2  # one a layer
    blocks = [*(block(one) for one in net.cells), Dense(net.head)]  # type: ignore[arg-type]
    pull = block.vjp_precomputed
    monkeypatch.setattr(block, "vjp_precomputed", lambda self, drive: pulls.append(self) or pull(self, drive))
    drive = GradientAccumulator.of(*net.parameters())
    with torch.no_grad():
        neurons = SequenceRun(blocks, torch.randn(7, 5, 2).unbind(0))
        neurons.run("recompute")
        neurons.vjp([torch.randn(5, 3)], drive)
    assert len(calls) == 4 and len(pulls) == (0 if name == "leapfrog" else 2)


@pytest.mark.parametrize("name", INVERTIBLE)
def test_a_cell_called_tick_by_tick_is_the_net(name: str) -> None:
    """Called like RNNCell or LSTMCell, from None, the cell says what the loop of the whole net says."""
    net = Recurrent(OWN_CELLS[name][0], 2, 4, 1, 3)
    inputs, h = torch.randn(5, 7, 2), None
    for x in inputs.unbind(1):
        h = net.cells[0](x, h)
    assert h is not None
    shown = h[0] if isinstance(h, tuple) else h
    assert torch.equal(net.head(shown), net(inputs))
    assert isinstance(net.cells[0], nn.Module)
