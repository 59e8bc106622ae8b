"""A net that shows its whole state: the same map, the same gradient, and the momenta before the head."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

import pytest
import torch
from torch import Tensor

from hl_cli.build import Comparison
from hl_cli.dynamics.accumulator import GradientAccumulator
from hl_cli.networks.blocks import Block
from hl_cli.networks.sequence import SequenceRun
from hl_cli.networks.whole_state import WholeState, whole_block
from tests.cells import OWN_CELLS

Build = Callable[..., Comparison]
MODELS = ("hamiltonian", "unicornn", "cornn")
TICKS, BATCH, HIDDEN = 40, 3, 6


def both(model: str) -> tuple[Block, Block]:
    """A block, and the one of the same cell that shows its whole state."""
    torch.manual_seed(0)
    kind, block = OWN_CELLS[model]
    cell = kind(2, HIDDEN).double()
    return block(cell), whole_block(WholeState(cell), block(cell))


def gradient(block: Block, inputs: Sequence[Tensor], zeta: Tensor, memory: str) -> tuple[list[Tensor], Tensor]:
    """Of every weight, and what was shown."""
    drive = GradientAccumulator.of(*block.parameters)
    with torch.no_grad():
        run = SequenceRun([block], inputs)
        (shown,) = run.run(memory)
        run.vjp([zeta], drive)
        drive.finish()
    return [drive[p] for p in block.parameters], shown


@pytest.mark.parametrize("model", MODELS)
def test_without_a_costate_of_the_momenta_the_gradient_is_the_same(model: str) -> None:
    """To round-off: positions that stand beside momenta are multiplied in another order."""
    inner, whole = both(model)
    inputs, zeta = torch.randn(TICKS, BATCH, 2).double().unbind(0), torch.randn(BATCH, HIDDEN).double()
    wanted, y = gradient(inner, inputs, zeta, "store")
    found, shown = gradient(whole, inputs, torch.cat([zeta, 0 * zeta], 1), "store")
    torch.testing.assert_close(shown[:, :HIDDEN], y, rtol=1e-12, atol=1e-14)
    assert bool(shown[:, HIDDEN:].all())
    for a, b in zip(found, wanted, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("model", MODELS[:2])
def test_undone_it_has_the_gradient_of_states_that_are_kept(model: str) -> None:
    _, whole = both(model)
    inputs, zeta = torch.randn(TICKS, BATCH, 2).double().unbind(0), torch.randn(BATCH, 2 * HIDDEN).double()
    kept, rebuilt = (gradient(whole, inputs, zeta, memory)[0] for memory in ("store", "reverse"))
    for a, b in zip(rebuilt, kept, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(
    ("model", "split"), [("hamiltonian", "state"), ("unicornn", "output"), ("cornn", "state_output")]
)
def test_identical(model: str, split: str, build: Build) -> None:
    from tests.integration.test_matrix import verdict_of

    words = ("stream=digits_rows", "model.show=yz", "model.hidden=7", "model.layers=2", "steps=4", "scenario=mom_b")
    built = build(f"model={model}", f"split={split}", *words)
    assert built.hl.weights()["head.weight"].shape[1] == 14
    assert verdict_of(built) == "identical"


def test_forward_in_time_it_is_real_time_recurrent_learning(build: Build) -> None:
    """A unit's two numbers stand apart in the state, and its weights move both."""
    words = ("scheme=forward", "stream=lorenz", "stream.ticks=1", "dtype=float64", "arms.pytorch.credit=rtrl")
    more = ("credit=eligibility", "model=unicornn", "model.show=yz", "model.hidden=4", "scenario.lr=1e-4")
    built: Any = build(*words, *more)
    start = [w.clone() for w in built.hl.weights().values()]
    for sample in islice(built.stream, 20):
        built.hl.step(sample)
        built.pytorch.step(sample)
    pairs = list(zip(built.hl.weights().values(), built.pytorch.weights().values(), start, strict=True))
    assert max(float((a - b).abs().max()) for a, b, _ in pairs) < 1e-12
    assert all(not torch.equal(a, begin) for a, _, begin in pairs)
