"""What each block says of its units is what autograd finds: their own derivatives, and those by their own weights."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from hl_cli.networks.blocks import Block, ModuleBlock
from tests.networks.test_blocks import BLOCKS

SAYING = [
    name
    for name, make in BLOCKS.items()
    if type(block := make(2, 3, torch.float64)[0]).local is not Block.local and not isinstance(block, ModuleBlock)
]


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("name", SAYING)
def test_local_derivatives_are_those_of_autograd(name: str, batch: int) -> None:
    torch.manual_seed(0)
    block, _, _ = BLOCKS[name](2, 4, torch.float64)
    with torch.no_grad():
        block.start()
        x = torch.randn(batch, 2, dtype=torch.float64)
        shapes = block.initial_state(x)
        h = tuple(torch.randn_like(part) for part in shapes)
        local, lanes = block.local(block.record(x, h)[1]), block.lanes()
    leaves = tuple(part.requires_grad_() for part in h)
    block.start()
    out = block.candidate(x, leaves)
    own = local.own.expand(batch, *local.own.shape[1:])
    with torch.no_grad():
        numbers = lanes.by_unit(out, out)
    for row in range(batch):
        for unit in range(lanes.units):
            for k in range(numbers.shape[2]):
                one = lanes.by_unit(out, out)[row, unit, k]
                got = torch.autograd.grad(
                    one, [*leaves, *block.parameters], retain_graph=True, allow_unused=True, materialize_grads=True
                )
                past: Tensor = lanes.by_unit(got[: len(h)], h)[row, unit]
                torch.testing.assert_close(own[row, unit, k], past, rtol=1e-13, atol=1e-15)
                weights = lanes.laid(got[len(h) :])[unit]
                torch.testing.assert_close(local.direct[row, unit, k], weights, rtol=1e-13, atol=1e-15)
    assert {"rnn", "gru", "lstm", "leaky", "diagonal", "complex_diagonal", "rotation", "elementwise_lstm"} <= {*SAYING}
