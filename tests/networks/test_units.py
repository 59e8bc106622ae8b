"""What each block says of its units is what autograd finds: their own derivatives, and those by their own weights."""

from __future__ import annotations

import pytest
import torch

from hl_cli.dynamics.accumulator import GradientAccumulator
from hl_cli.errors import BadInput
from hl_cli.networks.blocks import Block, ModuleBlock
from hl_cli.networks.ring import RingCell, RingRNNCell
from hl_cli.networks.units import ComplexLanes
from tests.networks.test_blocks import BLOCKS, Made


def ring(inputs: int, width: int, dtype: torch.dtype) -> Made:
    module = RingRNNCell(inputs, width).to(dtype)
    torch.nn.init.normal_(module.weight_hh)  # every neuron sees all
    return RingCell(module), module, 1


WITH_PAIRS = {**BLOCKS, "ring": ring}
SAYING = [
    name
    for name, make in WITH_PAIRS.items()
    if type(block := make(2, 4, torch.float64)[0]).local is not Block.local and not isinstance(block, ModuleBlock)
]


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("name", SAYING)
def test_local_derivatives_are_those_of_autograd(name: str, batch: int) -> None:
    """A costate of one unit alone: what it is at this unit a tick before, and at the unit's weights."""
    torch.manual_seed(0)
    block, _, _ = WITH_PAIRS[name](2, 4, torch.float64)
    block.start()
    x = torch.randn(batch, 2, dtype=torch.float64)
    h = tuple(torch.randn_like(part).requires_grad_() for part in block.initial_state(x))
    with torch.no_grad():
        local, lanes = block.local(block.record(x, tuple(part.detach() for part in h))[1]), block.lanes()
    out = block.candidate(x, h)
    drive = GradientAccumulator.of(*block.parameters)
    places = torch.arange(out[0].shape[1])
    places = places // 2 if isinstance(lanes, ComplexLanes) and lanes.paired else places % lanes.units
    for unit in range(lanes.units):
        z = tuple(torch.randn_like(part) * (places == unit) for part in out)
        got = torch.autograd.grad(out, [*h, *block.parameters], z, retain_graph=True, materialize_grads=True)
        with torch.no_grad():
            by_unit = lanes.by_unit(z)
            for found, past in zip(lanes.pull(by_unit, local), lanes.by_unit(got[: len(h)]), strict=True):
                assert found is not None
                assert past is not None
                torch.testing.assert_close(found[:, unit], past[:, unit], rtol=1e-13, atol=1e-15)
                if block.separable:
                    assert not torch.cat((past[:, :unit], past[:, unit + 1 :]), 1).abs().any()
            drive.start()
            lanes.add(by_unit, local.direct, drive)
            for p, g in zip(block.parameters, got[len(h) :], strict=True):
                torch.testing.assert_close(drive[p], g, rtol=1e-13, atol=1e-15)


def test_the_nets_with_units_say_so() -> None:
    assert {"rnn", "gru", "lstm", "leaky", "diagonal", "complex_diagonal", "rotation"} < {*SAYING}
    assert {"elementwise_lstm", "trace_units", "min_gru", "unicornn", "cornn", "whole-unicornn"} < {*SAYING}
    assert "whole-hamiltonian" not in SAYING


def test_a_ring_of_an_odd_number_is_refused() -> None:
    with pytest.raises(BadInput, match=r"model\.hidden=7: allowed: even numbers"):
        RingRNNCell(2, 7)
