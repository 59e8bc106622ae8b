"""The Hamiltonian net: its ticks are symplectic, whatever they are fed; its gradient over time cannot vanish."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from hl_cli.build import Comparison
from hl_cli.dynamics.accumulator import GradientAccumulator
from hl_cli.dynamics.phase_space import symplectic_defect
from hl_cli.errors import BadInput
from hl_cli.networks.hamiltonian_net import HamiltonianBlock, HamiltonianCell

Build = Callable[..., Comparison]
N, TICKS = 12, 1000
FORMS = [{}, {"signs": True, "paired": True, "stiffness": None, "input_scale": 5.0}, {"stiffness": (0.01, 1.0)}]


def made(**fields: object) -> HamiltonianCell:
    torch.manual_seed(3)
    return HamiltonianCell(2, N, **fields).double()  # type: ignore[arg-type]


def over_time(cell: HamiltonianCell, ticks: int = TICKS) -> Tensor:
    """The product of the Jacobians of so many ticks, written out: dz' = dz - eps W dy, dy' = dy + eps dz'."""
    inputs, eye = torch.randn(ticks, 1, 2).double(), torch.eye(N).double()
    h, product = cell.initial_state(inputs[0]), torch.eye(2 * N).double()
    ready = cell.precompute()
    with torch.no_grad():
        for x in inputs:
            gates = cell.gates(x, h[0])[0]
            slope = 1 - gates**2 if cell.signs is None else (1 - gates**2) * cell.signs
            curve = cell.coupling.t() @ (slope.unsqueeze(1) * cell.coupling)
            curve = curve + torch.diag(ready[0]) if ready else curve
            kick = torch.cat([torch.cat([eye, 0 * eye], 1), torch.cat([-cell.eps * curve, eye], 1)])
            drift = torch.cat([torch.cat([eye, cell.eps * eye], 1), torch.cat([0 * eye, eye], 1)])
            product = drift @ kick @ product
            h = cell.tick(x, h, ready)
    return product


def defect_of(product: Tensor) -> float:
    n = len(product) // 2
    return symplectic_defect(
        lambda q, p: tuple((product @ torch.cat([q, p])).split(n)),  # type: ignore[arg-type, return-value]
        *torch.zeros(2, n).double(),
    )


@pytest.mark.parametrize("form", FORMS)
def test_a_tick_is_a_symplectic_map(form: dict[str, object]) -> None:
    cell = made(**form)
    if cell.signs is not None:
        torch.nn.init.normal_(cell.signs)
    x, ready = torch.randn(1, 2).double(), cell.precompute()

    def tick(y: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
        y, z = cell.tick(x, (y.unsqueeze(0), z.unsqueeze(0)), ready)
        return y[0], z[0]

    assert symplectic_defect(tick, *torch.randn(2, N).double()) < 1e-14


@pytest.mark.parametrize("form", FORMS[::2])
def test_the_gradient_over_a_thousand_ticks_neither_vanishes_nor_explodes(form: dict[str, object]) -> None:
    product = over_time(made(**form))
    sizes = torch.linalg.svdvals(product)
    assert defect_of(product) < 1e-11
    torch.testing.assert_close(sizes * sizes.flip(0), torch.ones(2 * N).double(), rtol=1e-8, atol=0)
    assert 1 <= sizes[0] < 4


def test_a_long_step_explodes() -> None:
    """Its product is symplectic all the same, to the rounding of its size."""
    assert float(torch.linalg.svdvals(over_time(made(eps=0.9)))[0]) > 10


def test_a_force_that_is_no_gradient_is_seen() -> None:
    """With another matrix in place of the transposed one the map is not symplectic."""
    cell, other = made(), torch.randn(N, N).double() / N**0.5
    x = torch.randn(1, 2).double()

    def tick(y: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
        z = z - 0.1 * (cell.gates(x, y.unsqueeze(0))[0] @ other)
        return y + 0.1 * z, z

    assert symplectic_defect(tick, *torch.randn(2, N).double()) > 1e-2


def test_paired_terms_are_no_force_at_first() -> None:
    cell = made(signs=True, paired=True, stiffness=None)
    x, y = torch.randn(5, 2).double(), torch.randn(5, N).double()
    with torch.no_grad():
        assert float(cell.force(y, cell.gates(x, y), ()).abs().max()) < 1e-15


@pytest.mark.parametrize("form", FORMS)
def test_the_costate_alone_leaves_the_drive_as_it_is(form: dict[str, object]) -> None:
    block = HamiltonianBlock(made(**form))
    drive = GradientAccumulator.of(*block.parameters)
    with torch.no_grad():
        block.start()
        _, tape = block.record(torch.randn(3, 2).double(), (torch.randn(3, N).double(), torch.randn(3, N).double()))
        z = (torch.randn(3, N).double(), torch.randn(3, N).double())
        alone = block.vjp_state(tape, z)
        assert block.cotangents == [None] * len(block.precomputed)
        pulled = block.vjp(tape, z, drive)
    assert all(torch.equal(a, b) for a, b in zip(alone, pulled.h, strict=True))  # type: ignore[arg-type]


def test_a_thousand_ticks_are_undone() -> None:
    block = HamiltonianBlock(made())
    inputs, h = torch.randn(TICKS, 3, 2).double(), made().initial_state(torch.zeros(3, 2).double())
    with torch.no_grad():
        block.start()
        begin = h
        for x in inputs:
            h = block.candidate(x, h)
        for x in inputs.flip(0):
            h, _ = block.inverse(x, h)
    assert max(float((a - b).abs().max()) for a, b in zip(h, begin, strict=True)) < 1e-12


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        (["model.eps=1.9"], "model.eps=1.9: allowed: below 1.*, where a linear tick is stable"),
        (["model.stiffness=[1]"], r"model.stiffness=\[1.0\]: allowed: null, or \[least, greatest\] above 0"),
        (["model.paired=true"], "model.paired=true with model.signs=false: allowed: model.signs=true"),
        (["model.paired=true", "model.signs=true", "model.width=7"], "allowed: an even number"),
    ],
)
def test_bad_input(fields: list[str], line: str, build: Build) -> None:
    with pytest.raises(BadInput, match=line):
        build("model=hamiltonian", "stream=digits_rows", *fields)


def test_all_its_forms_are_identical(build: Build) -> None:
    """The matrix has the plain form; here are signs, pairs and no springs."""
    from tests.integration.test_matrix import verdict_of

    for form in (["model.signs=true", "model.paired=true", "model.stiffness=null"], ["model.stiffness=[0.01,1]"]):
        built = build("model=hamiltonian", "stream=digits_rows", "split=state", "scenario=mom_b", "steps=4", *form)
        assert verdict_of(built) == "identical", form
