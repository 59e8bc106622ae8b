"""The two nets of oscillators: the undamped one is symplectic over any number of ticks, the damped one forgets."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from hl_cli.build import Comparison
from hl_cli.compare.over_time import reach
from hl_cli.dynamics.phase_space import symplectic_defect
from hl_cli.errors import BadInput
from hl_cli.networks.cell import Cell
from hl_cli.networks.cornn import CoRNN
from hl_cli.networks.recurrent import Recurrent
from hl_cli.networks.unicornn import UnICORNN, UnICORNNBlock

N, TICKS = 12, 1000


def net(cell: Callable[..., torch.nn.Module], **fields: float) -> Recurrent:
    torch.manual_seed(3)
    return Recurrent(lambda a, b: cell(a, b, **fields), 2, N, 1, 1).double()


def test_a_tick_of_unicornn_is_a_symplectic_map() -> None:
    """In momenta of which each is z by its neuron's step: y' = y + s z, dH/dz = s z; so it is in (y, z)."""
    cell = UnICORNN(2, N, eps=0.9).double()
    x, ready = torch.randn(1, 2).double(), cell.precompute()

    def tick(y: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
        y, z = cell.tick(x, (y.unsqueeze(0), z.unsqueeze(0)), ready)
        return y[0], z[0]

    assert symplectic_defect(tick, *torch.randn(2, N).double()) < 1e-14


def test_the_gradient_of_unicornn_does_not_vanish_over_a_thousand_ticks() -> None:
    """Singular values in pairs, one the inverse of the other."""
    found = reach(net(UnICORNN, eps=0.1), torch.randn(TICKS + 1, 2).double(), [10, 100, TICKS])
    for _, largest, smallest in found:
        assert 1 <= largest < 4 and largest * smallest == pytest.approx(1, rel=1e-8)


def test_the_gradient_of_cornn_vanishes() -> None:
    damped = net(CoRNN, eps=0.042, stiffness=2.7, friction=4.7)
    (_, largest, _), (_, later, _) = reach(damped, torch.randn(401, 2).double(), [10, 400])
    assert later < 0.01 < 0.5 < largest


def test_a_thousand_ticks_are_undone() -> None:
    block = UnICORNNBlock(net(UnICORNN).cells[0])
    inputs, h = torch.randn(TICKS, 3, 2).double(), (torch.zeros(3, N).double(),) * 2
    with torch.no_grad():
        block.start()
        for x in inputs:
            h = block.candidate(x, h)  # type: ignore[assignment]
        assert float(h[0].abs().max()) > 0.1
        for x in inputs.flip(0):
            h, _ = block.inverse(x, h)  # type: ignore[assignment]
    assert max(float(part.abs().max()) for part in h) < 1e-12


def test_without_gates_both_are_the_springs_they_say() -> None:
    """From y = 1 at rest, a = 4: cos(2 t), and with friction f what y'' = -4 y - f y' has; t = 1, s = eps / 2."""
    rate = math.sqrt(4 - 0.25)
    damped = math.exp(-0.5) * (math.cos(rate) + 0.5 / rate * math.sin(rate))
    cells: list[tuple[Cell, float]] = [(UnICORNN(2, N, 0.02, 4.0), math.cos(2)), (CoRNN(2, N, 0.01, 4.0, 1.0), damped)]
    for cell, wanted in cells:
        h: Any = (torch.ones(1, N), torch.zeros(1, N))
        with torch.no_grad():
            for p in cell.parameters():
                p.zero_()
            for _ in range(100):
                h = cell.tick(torch.zeros(1, 2), h, cell.precompute())
        assert float(h[0].mean()) == pytest.approx(wanted, abs=0.02)


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        (["model=unicornn", "model.eps=9"], r"model.eps=9: allowed: below [0-9.]*, where a linear tick is stable"),
        (["model=cornn", "model.eps=2"], r"model.eps=2: allowed: below 1.9, where a linear tick is stable"),
    ],
)
def test_a_step_that_is_not_stable(fields: list[str], line: str, build: Callable[..., Comparison]) -> None:
    with pytest.raises(BadInput, match=line):
        build("stream=digits_rows", *fields)
