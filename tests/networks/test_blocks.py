"""Each block's pull-back against autograd, bit for bit, and against finite differences."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from hl_cli.dynamics.accumulator import GradientAccumulator
from hl_cli.networks.blocks import Block, ModuleBlock
from hl_cli.networks.chain import Chain
from hl_cli.networks.feedforward import Dense
from hl_cli.networks.leaky import LeakyCell, LeakyRNNCell
from hl_cli.networks.sequence import Unrolled
from hl_cli.networks.whole_state import WholeState, whole_block
from tests.cells import CELLS, OWN_CELLS

Made = tuple[Block, nn.Module, int]


def dense(activation: str | None) -> Callable[[int, int, torch.dtype], Made]:
    def make(inputs: int, width: int, dtype: torch.dtype) -> Made:
        linear = nn.Linear(inputs, width, dtype=dtype)
        layers = {"tanh": nn.Tanh(), "relu": nn.ReLU(), None: nn.Identity()}
        return Dense(linear, activation), nn.Sequential(linear, layers[activation]), 0

    return make


def cell(name: str) -> Callable[[int, int, torch.dtype], Made]:
    def make(inputs: int, width: int, dtype: torch.dtype) -> Made:
        kind, block = CELLS[name]
        module = kind(inputs, width, dtype=dtype)  # type: ignore[call-arg]
        return block(module), module, block.tensors

    return make


def wrapped(name: str) -> Callable[[int, int, torch.dtype], Made]:
    def make(inputs: int, width: int, dtype: torch.dtype) -> Made:
        _, module, tensors = cell(name)(inputs, width, dtype)
        return ModuleBlock(module, (width,) * tensors if tensors > 1 else width), module, tensors

    return make


def own(name: str, **options: float) -> Callable[[int, int, torch.dtype], Made]:
    def make(inputs: int, width: int, dtype: torch.dtype) -> Made:
        kind, block = OWN_CELLS[name]
        module = kind(inputs, width, **options).to(dtype)  # type: ignore[call-arg, arg-type]
        return block(module), module, module.tensors

    return make


def whole(name: str) -> Callable[[int, int, torch.dtype], Made]:
    def make(inputs: int, width: int, dtype: torch.dtype) -> Made:
        inner, module, _ = own(name)(inputs, width, dtype)
        shown = WholeState(module)  # type: ignore[arg-type]
        return whole_block(shown, inner), shown, 1

    return make


def leaky(inputs: int, width: int, dtype: torch.dtype) -> Made:
    module = LeakyRNNCell(inputs, width, 0.3).to(dtype)
    return LeakyCell(module), module, 1


BLOCKS = {
    **{f"dense-{a}": dense(a) for a in ("tanh", "relu", None)},
    **{name: cell(name) for name in CELLS},
    **{f"module-{name}": wrapped(name) for name in CELLS},
    **{name: own(name) for name in OWN_CELLS},
    "leaky": leaky,
    "damped": own("rotation", damping=0.9, gain=0.7),
    "faster": own("antisymmetric", scale=3.0),
    "upper": own("trace_units", squash=True, passes=True),
    **{f"whole-{name}": whole(name) for name in ("hamiltonian", "unicornn")},
}


def leaf(*shape: int, dtype: torch.dtype) -> Tensor:
    return torch.randn(*shape, dtype=dtype, requires_grad=True)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("width", [1, 5, 13, 32, 33])
@pytest.mark.parametrize("batch", [1, 3, 32])
@pytest.mark.parametrize("name", BLOCKS)
def test_pull_back_has_the_bits_of_autograd(name: str, batch: int, width: int, dtype: torch.dtype) -> None:
    torch.manual_seed(batch + width)
    block, module, tensors = BLOCKS[name](7, width, dtype)
    x = torch.randn(batch, 3, 7, dtype=dtype)[:, 1].requires_grad_()  # a tick of a sequence, as streams give it
    h = states(block, x, tensors)
    same_bits(block, module, x, h)


@pytest.mark.parametrize("width", [1, 5])
@pytest.mark.parametrize("name", BLOCKS)
def test_of_an_input_of_one_number_too(name: str, width: int) -> None:
    """It lies row by row and column by column, and autograd takes another product then."""
    for seed in range(20):
        torch.manual_seed(seed)
        block, module, tensors = BLOCKS[name](1, width, torch.float32)
        x = leaf(1, 1, dtype=torch.float32)
        same_bits(block, module, x, states(block, x, tensors))


def states(block: Block, x: Tensor, tensors: int) -> tuple[Tensor, ...]:
    """Random ones, of the shapes that the block has at rest."""
    return tuple(torch.randn_like(part).requires_grad_() for part in block.initial_state(x)[:tensors])


def same_bits(block: Block, module: nn.Module, x: Tensor, h: tuple[Tensor, ...]) -> None:
    """Of states, and of all that a random costate is pulled back to."""
    tensors = len(h)
    out = module(x) if not tensors else module(x, h if tensors > 1 else h[0])
    out = out if isinstance(out, tuple) else (out,)
    z = tuple(torch.randn_like(o) for o in out)
    expected = torch.autograd.grad(out, [x, *h, *block.parameters], z)
    drive = GradientAccumulator.of(*block.parameters)
    with torch.no_grad():
        block.start()
        found, tape = block.record(x.detach(), tuple(s.detach() for s in h))
        pulled = block.vjp(tape, z, drive)
        block.finish(drive)
        block.start()
        again = block.candidate(x.detach(), tuple(s.detach() for s in h))
    assert pulled.x is not None
    got = [pulled.x, *pulled.h, *(drive[p] for p in block.parameters)]
    for value, wanted in zip([*found, *again, *got], [*out, *out, *expected], strict=True):
        assert torch.equal(value, wanted)


@pytest.mark.parametrize("name", [n for n in BLOCKS if not n.startswith("module") and n != "dense-relu"])
def test_pull_back_against_finite_differences(name: str) -> None:
    """(dF/dtheta)^T z along a random direction, by central differences in float64."""
    torch.manual_seed(3)
    block, _, tensors = BLOCKS[name](4, 6, torch.float64)
    x, step = torch.randn(2, 4, dtype=torch.float64), 1e-5
    drive = GradientAccumulator.of(*block.parameters)
    with torch.no_grad():
        block.start()
        h = tuple(part.detach() for part in states(block, x, tensors))
        out, tape = block.record(x, h)
        z = tuple(torch.randn_like(part) for part in out)
        block.vjp(tape, z, drive)
        block.finish(drive)
        for p in block.parameters:
            along = torch.randn_like(p)
            sides = []
            for sign in (1, -1):
                p.add_(along, alpha=sign * step)
                block.start()
                sides.append(sum(float((f * s).sum()) for f, s in zip(block.candidate(x, h), z, strict=True)))
                p.sub_(along, alpha=sign * step)
            assert float((drive[p] * along).sum()) == pytest.approx((sides[0] - sides[1]) / (2 * step), rel=1e-6)


def test_a_costate_that_is_not_wanted_is_not_made() -> None:
    block, _, _ = BLOCKS["lstm"](4, 6, torch.float32)
    drive = GradientAccumulator.of(*block.parameters)
    with torch.no_grad():
        x = torch.randn(2, 4)
        _, tape = block.record(x, block.initial_state(x))
        z = (torch.randn(2, 6), None)
        pulled = block.vjp(tape, z, drive, want_x=False, want_h=False)
    assert pulled.x is None and all(part is None for part in pulled.h)


def test_lstm_takes_a_costate_of_its_cell_alone() -> None:
    """When nothing reads h at a tick, only c carries the costate."""
    block, module, _ = BLOCKS["lstm"](4, 6, torch.float64)
    x, h, c = torch.randn(2, 4).double(), leaf(2, 6, dtype=torch.float64), leaf(2, 6, dtype=torch.float64)
    z_c = torch.randn(2, 6, dtype=torch.float64)
    expected = torch.autograd.grad(module(x, (h, c))[1], [h, c], z_c)
    with torch.no_grad():
        _, tape = block.record(x, (h.detach(), c.detach()))
        pulled = block.vjp(tape, (None, z_c), GradientAccumulator.of(*block.parameters))
    for value, wanted in zip(pulled.h, expected, strict=True):
        torch.testing.assert_close(value, wanted, rtol=1e-14, atol=0)


def test_chain_and_unrolled_are_the_whole_net() -> None:
    torch.manual_seed(0)
    linears = [nn.Linear(6, 5), nn.Linear(5, 3)]
    rnn, head = nn.RNNCell(6, 5), nn.Linear(5, 3)
    x, z = torch.randn(4, 6), torch.randn(4, 3)
    sequence = torch.randn(4, 3, 6)
    state = None
    for u in sequence.unbind(1):
        state = rnn(u, state)
    nets: list[tuple[Block, Tensor, Tensor]] = [
        (Chain([Dense(linears[0], "tanh"), Dense(linears[1])]), x, linears[1](linears[0](x).tanh())),
        (Unrolled([CELLS["rnn"][1](rnn), Dense(head)]), sequence, head(state)),
    ]
    for block, inputs, y in nets:
        expected = torch.autograd.grad(y, block.parameters, z)
        drive = GradientAccumulator.of(*block.parameters)
        with torch.no_grad():
            (found,), tape = block.record(inputs, ())
            block.vjp(tape, (z,), drive, want_x=False)
            assert torch.equal(block.candidate(inputs, ())[0], found)
        assert torch.equal(found, y)
        for p, wanted in zip(block.parameters, expected, strict=True):
            assert torch.equal(drive[p], wanted)
