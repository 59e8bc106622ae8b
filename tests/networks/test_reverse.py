"""checkpointing=reverse: states rebuilt, against states kept."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from hl_cli.dynamics.accumulator import GradientAccumulator
from hl_cli.dynamics.equivalence import SGD, Coefficients, physics_of
from hl_cli.errors import BadInput, NonFinite
from hl_cli.learners.hamiltonian import HamiltonianLearner
from hl_cli.networks.blocks import Block, Pulled, Tape
from hl_cli.networks.feedforward import Dense
from hl_cli.networks.memory import Reverse
from hl_cli.networks.recurrent import Recurrent
from hl_cli.networks.sequence import SequenceRun
from hl_cli.networks.splits import Split, split_chain
from hl_cli.types import Sample
from tests.cells import CELLS, INVERTIBLE, OWN_CELLS
from tests.covering import one_in

BATCH, FEATURES, HIDDEN, OUTPUTS = 3, 2, 12, 4


def chain(name: str, layers: int, dtype: torch.dtype, seed: int = 0, **options: float) -> tuple[Recurrent, list[Block]]:
    """Cells with a layer without memory between them where there are two, and a head."""
    torch.manual_seed(seed)
    cell, block = OWN_CELLS[name]
    net = Recurrent(lambda a, b: cell(a, b, **options), FEATURES, HIDDEN, layers, OUTPUTS).to(dtype)  # type: ignore
    return net, [*(block(one) for one in net.cells), Dense(net.head)]  # type: ignore[arg-type]


def went(
    blocks: Sequence[Block], inputs: Tensor, memory: str, every: bool, anchor_every: int = 0
) -> tuple[list[Tensor], SequenceRun, int]:
    """g of every weight, the neurons, and how many states were kept before the costate came."""
    drive = GradientAccumulator.of(*(p for block in blocks for p in block.parameters))
    with torch.no_grad():
        neurons = SequenceRun(blocks, inputs.unbind(0), every=every)
        shown = neurons.run(memory, anchor_every)
        assert neurons.memory is not None
        kept = len(neurons.memory.kept)
        coin = torch.Generator().manual_seed(1)
        neurons.vjp([torch.randn(s.shape, generator=coin).to(s) for s in shown], drive)
        drive.finish()
    return [drive[p] for block in blocks for p in block.parameters], neurons, kept


def gap(ours: list[Tensor], theirs: list[Tensor]) -> float:
    """Largest difference by the largest element of all."""
    largest = max(float(b.abs().max()) for b in theirs)
    return max(float((a - b).abs().max()) for a, b in zip(ours, theirs, strict=True)) / largest


@one_in(3)
@pytest.mark.parametrize("every", [False, True])
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("name", INVERTIBLE)
def test_reverse_is_store_to_round_off(name: str, layers: int, every: bool) -> None:
    for ticks, anchor_every in ((1, 0), (2, 0), (60, 0), (60, 7), (60, 60), (60, 100)):
        _, blocks = chain(name, layers, torch.float64)
        inputs = torch.randn(ticks, BATCH, FEATURES, dtype=torch.float64)
        kept, _, _ = went(blocks, inputs, "store", every)
        rebuilt, neurons, _ = went(blocks, inputs, "reverse", every, anchor_every)
        assert neurons.drift is not None and neurons.drift < 1e-12
        assert gap(rebuilt, kept) < 1e-10
        _, blocks = chain(name, layers, torch.float32)
        kept, _, _ = went(blocks, inputs.float(), "store", every)
        rebuilt, neurons, _ = went(blocks, inputs.float(), "reverse", every, anchor_every)
        assert neurons.drift < 1e-4  # type: ignore[operator]
        assert gap(rebuilt, kept) < 10 * (neurons.drift + 1e-6)  # type: ignore[operator]
        assert not neurons.memory.kept and not neurons.memory.tapes  # type: ignore[union-attr]


@pytest.mark.parametrize("name", INVERTIBLE)
def test_with_an_anchor_at_every_tick_nothing_rounds(name: str) -> None:
    _, blocks = chain(name, 2, torch.float32)
    inputs = torch.randn(20, BATCH, FEATURES)
    kept, rebuilt = (went(blocks, inputs, memory, True, 1)[0] for memory in ("store", "reverse"))
    assert all(torch.equal(a, b) for a, b in zip(kept, rebuilt, strict=True))


@one_in(3)
@pytest.mark.parametrize("name", INVERTIBLE)
def test_anchors_hold_the_drift_down(name: str) -> None:
    """Over 2,000 ticks in float32; and the drift is what a loop of ticks and inverses meets."""
    _, blocks = chain(name, 1, torch.float32)
    inputs = torch.randn(2000, BATCH, FEATURES)
    drifts = [went(blocks, inputs, "reverse", False, k)[1].drift for k in (0, 1000, 100, 10)]
    assert all(a > b for a, b in pairwise(drifts)), drifts  # type: ignore[operator]
    assert drifts[0] > 1.5 * drifts[2]  # type: ignore[operator]
    cell = blocks[0]
    with torch.no_grad():
        cell.start()
        states = [cell.initial_state(inputs[0])]
        for x in inputs:
            states.append(cell.candidate(x, states[-1]))
        largest = 0.0
        for end in (1998, *range(1899, 0, -100)):  # h before the last tick is still there
            first = end // 100 * 100
            h = states[end + 1]
            for t in range(end, first - 1, -1):
                h, _ = cell.inverse(inputs[t], h)
            largest = max(largest, *(float((a - b).abs().max()) for a, b in zip(h, states[first], strict=True)))
    assert drifts[2] == largest


class Counted(Block):
    """Any block, with its ticks counted; a tick is undone only when the tape of the one after it is used up."""

    def __init__(self, inner: Block) -> None:
        super().__init__(inner.parameters)
        self.inner, self.memory, self.invertible = inner, inner.memory, inner.invertible
        self.start, self.finish, self.initial_state = inner.start, inner.finish, inner.initial_state  # type: ignore[method-assign]
        self.candidate = inner.candidate  # type: ignore[method-assign]
        self.alive = self.ticks = self.undone = 0

    def record(self, x: Tensor, h: tuple[Tensor, ...], want_x: bool = True) -> tuple[tuple[Tensor, ...], Tape]:
        self.ticks, self.alive = self.ticks + 1, 1
        return self.inner.record(x, h, want_x)

    def inverse(self, x: Tensor, h: tuple[Tensor, ...]) -> tuple[tuple[Tensor, ...], Tape]:
        assert self.alive == 0
        self.undone, self.alive = self.undone + 1, 1
        return self.inner.inverse(x, h)

    def vjp(self, *arguments: object, **options: object) -> Pulled:
        self.alive -= 1
        return self.inner.vjp(*arguments, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("ticks", [1, 2, 16, 17, 100])
@pytest.mark.parametrize("anchor_every", [0, 1, 5, 100, 1000])
def test_no_more_is_kept_than_it_says(ticks: int, anchor_every: int) -> None:
    """A state a segment, one tape; every tick but the last undone once, the anchors recorded again."""
    _, blocks = chain("rotation", 1, torch.float64)
    block = Counted(blocks[0])
    _, neurons, kept = went(
        [block, blocks[1]], torch.randn(ticks, BATCH, FEATURES).double(), "reverse", False, anchor_every
    )
    segment = anchor_every or ticks
    assert isinstance(neurons.memory, Reverse)
    assert kept == math.ceil(ticks / segment)
    assert block.alive == 0
    assert block.undone == ticks - 1
    assert block.ticks == 1 + sum(t % segment == 0 for t in range(ticks - 1))


def learner(split: Split, memory: str, coefficients: Coefficients | None = None, **options: int) -> HamiltonianLearner:
    return HamiltonianLearner(
        split, functional.cross_entropy, coefficients or physics_of(SGD(0.01)), memory=memory, **options
    )


@one_in(3)
@pytest.mark.parametrize("split", ["state", "state_output"])
@pytest.mark.parametrize("name", INVERTIBLE)
def test_learning_with_rebuilt_states_is_learning(name: str, split: str) -> None:
    arms = []
    for memory in ("store", "reverse"):
        net, blocks = chain(name, 2, torch.float64)
        arms.append(learner(split_chain(net, blocks, split), memory, anchor_every=9))
    samples = [(torch.randn(BATCH, 40, FEATURES).double(), torch.randint(OUTPUTS, (BATCH,))) for _ in range(20)]
    for sample in samples:
        for arm in arms:
            arm.step(Sample(*sample), observe=True)
    kept, rebuilt = (arm.weights() for arm in arms)
    assert max(float((kept[n] - rebuilt[n]).abs().max()) for n in kept) < 1e-10
    assert arms[0].drift is None and arms[1].drift is not None and 0 < arms[1].drift < 1e-11


def test_refusals() -> None:
    net, blocks = chain("rotation", 1, torch.float32)
    with pytest.raises(BadInput, match=r"leaky neurons \(tau rate = 0.5\) have no inverse; allowed: tau rate = 1"):
        learner(split_chain(net, blocks, "state"), "reverse", Coefficients(1.0, 0.1, 1.0, 1.0, 1.0, rate=0.5))
    with pytest.raises(BadInput, match="anchor_every=-1: allowed: a number >= 0"):
        learner(split_chain(net, blocks, "state"), "reverse", anchor_every=-1)
    mixed = Recurrent(CELLS["rnn"][0], FEATURES, HIDDEN, 1, HIDDEN)
    both = torch.nn.ModuleList([net, mixed])
    stacked = Split(both, [blocks[0], Dense(net.head), CELLS["rnn"][1](mixed.cells[0]), Dense(mixed.head)], None)  # type: ignore
    with pytest.raises(
        BadInput, match="TanhCell has no inverse; allowed: antisymmetric, hamiltonian, leapfrog, rotation, unicornn"
    ):
        learner(stacked, "reverse")
    with pytest.raises(TypeError, match="TanhCell has no inverse"):
        CELLS["rnn"][1](mixed.cells[0]).inverse(torch.zeros(1, 1), ())  # type: ignore[arg-type]


@pytest.mark.parametrize(("anchor_every", "fits"), [(43, True), (44, False), (0, False)])
def test_damping_limits_how_far_apart_anchors_may_be(anchor_every: int, fits: bool) -> None:
    """0.9^-43 is below 100, 0.9^-44 above."""
    net, blocks = chain("rotation", 1, torch.float32, damping=0.9)
    if fits:
        assert learner(split_chain(net, blocks, "state"), "reverse", anchor_every=anchor_every).drift is None
    else:
        with pytest.raises(BadInput, match=r"damping=0.9 amplify rounding more than 100 times; allowed: .* 1 to 43"):
            learner(split_chain(net, blocks, "state"), "reverse", anchor_every=anchor_every)


def test_a_state_that_cannot_be_rebuilt_stops_before_the_weights_change(monkeypatch: pytest.MonkeyPatch) -> None:
    net, blocks = chain("rotation", 1, torch.float32)
    arm = learner(split_chain(net, blocks, "state"), "reverse")
    before = [w.clone() for w in arm.weights().values()]
    inverse = blocks[0].inverse

    def broken(x: Tensor, h: tuple[Tensor, ...]) -> tuple[tuple[Tensor, ...], Tape]:
        past, tape = inverse(x, h)
        return tuple(s * math.nan for s in past), tape

    monkeypatch.setattr(blocks[0], "inverse", broken)
    with pytest.raises(NonFinite, match="rebuilt state"):
        arm.step(Sample(torch.randn(BATCH, 5, FEATURES), torch.randint(OUTPUTS, (BATCH,))))
    assert all(torch.equal(a, b) for a, b in zip(before, arm.weights().values(), strict=True))
