"""Targets that count at every tick: HL equals PyTorch bit for bit, as where the last tick alone counts."""

from __future__ import annotations

import copy
from itertools import product

import pytest
import torch
from torch import nn

from hl_cli.dynamics.equivalence import SGD, physics_of
from hl_cli.learners.hamiltonian import HamiltonianLearner
from hl_cli.learners.pytorch import PyTorchLearner
from hl_cli.networks.feedforward import Dense, dense_blocks, feedforward
from hl_cli.networks.losses import LOSSES
from hl_cli.networks.recurrent import Recurrent
from hl_cli.networks.splits import SPLITS, split_chain
from hl_cli.types import Sample
from tests.cells import CELLS
from tests.covering import one_in

TICKS, FEATURES, OUTPUTS = 6, 3, 4
SCENARIO = SGD(lr=0.1, momentum=0.9, dampening=0.3)


def samples(loss: str, batch: int, dtype: torch.dtype, count: int = 5) -> list[Sample]:
    torch.manual_seed(batch)
    rows = batch * TICKS
    inputs = torch.randn(count, batch, TICKS, FEATURES, dtype=dtype)
    values = torch.randn(count, rows, OUTPUTS, dtype=dtype)
    classes = torch.randint(0, OUTPUTS, (count, rows))
    return [Sample(x, v if loss == "mse" else c) for x, v, c in zip(inputs, values, classes, strict=True)]


def arms(kind: str, split: str, layers: int, loss: str, memory: str, dtype: torch.dtype):  # type: ignore[no-untyped-def]
    torch.manual_seed(7)
    if kind == "mlp":
        start: nn.Module = feedforward(FEATURES, [5] * layers, OUTPUTS, every=True)
    else:
        start = Recurrent(CELLS[kind][0], FEATURES, 5, layers, OUTPUTS, every=True)
    own = copy.deepcopy(start).to(dtype)
    if isinstance(own, Recurrent):
        blocks = [*(CELLS[kind][1](cell) for cell in own.cells), Dense(own.head)]
    else:
        blocks = dense_blocks(own, "tanh")
    hl = HamiltonianLearner(
        split_chain(own, blocks, split, every=True), LOSSES[loss], physics_of(SCENARIO), memory=memory
    )
    return hl, PyTorchLearner(start.to(dtype), LOSSES[loss], torch.optim.SGD, **vars(SCENARIO))


@one_in(3)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("kind", ["mlp", *CELLS])
def test_identical(kind: str, split: str, dtype: torch.dtype) -> None:
    for layers, loss, memory, batch in product(
        (1, 2), ("cross_entropy", "mse"), ("store", "segments", "recompute"), (1, 8)
    ):
        hl, pytorch = arms(kind, split, layers, loss, memory, dtype)
        for sample in samples(loss, batch, dtype):
            a, b = hl.step(sample, observe=True), pytorch.step(sample)
            assert a.loss == b.loss and torch.equal(a.prediction, b.prediction)
            assert a.prediction.shape == (batch * TICKS, OUTPUTS)
            for x, y in zip(hl.weights().values(), pytorch.weights().values(), strict=True):
                assert torch.equal(x, y), (layers, loss, memory, batch)
        assert torch.equal(hl.predict(sample.inputs), pytorch.predict(sample.inputs))


@pytest.mark.parametrize("kind", ["mlp", *CELLS])
def test_rows_are_sample_by_sample(kind: str) -> None:
    """What a batch says at each tick is what its samples say alone, one after the other."""
    _, pytorch = arms(kind, "state", 1, "mse", "store", torch.float64)
    inputs = samples("mse", 3, torch.float64)[0].inputs
    alone = torch.cat([pytorch.predict(x.unsqueeze(0)) for x in inputs])
    torch.testing.assert_close(pytorch.predict(inputs), alone)


@pytest.mark.parametrize("kind", ["mlp", *CELLS])
def test_without_a_target_nothing_is_learnt(kind: str) -> None:
    for learner in arms(kind, "state_output", 1, "mse", "store", torch.float64):
        sample = samples("mse", 2, torch.float64)[0]
        learner.step(sample)  # momentum is under way
        before = [w.clone() for w in learner.weights().values()]
        said = learner.step(sample._replace(target=None))
        assert said.loss is None and torch.equal(said.prediction, learner.predict(sample.inputs))
        assert all(torch.equal(a, b) for a, b in zip(before, learner.weights().values(), strict=True))
