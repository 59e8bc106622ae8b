"""Schemes against loops that take their equations literally, against SGD and against the net in one piece."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from hl_cli.dynamics.equivalence import SGD, Coefficients, physics_of
from hl_cli.learners.hamiltonian import HamiltonianLearner
from hl_cli.learners.local import Local
from hl_cli.learners.passing import Blockwise, Wave
from hl_cli.learners.pytorch import PyTorchLearner
from hl_cli.networks.feedforward import dense_blocks
from hl_cli.networks.splits import split_chain
from hl_cli.types import Sample
from tests.chains import MOMENTUM, Make, learner_of, net_of, samples
from tests.covering import one_in
from tests.rules import RULES


def literal_local(net: nn.Sequential, c: Coefficients, stream: list[Sample], stash: bool) -> list[Tensor]:
    """The equations of hl_cli.learners.local, stage by stage, with autograd; a value that is not there yet is None."""
    linears = [m for m in net if isinstance(m, nn.Linear)]
    depth = len(linears)

    def stage(i: int, x: Tensor) -> Tensor:
        y = linears[i](x)
        return y.tanh() if i < depth - 1 else y

    omega = [[torch.zeros_like(p) for p in m.parameters()] for m in linears]
    clock = [0] * depth
    h: list[Tensor | None] = [None] * depth  # what each showed a tick ago
    zeta: list[Tensor | None] = [None] * depth  # what each meets now
    seen: list[list[Tensor]] = [[] for _ in linears]
    for t, sample in enumerate(stream):
        inputs = [sample.inputs.flatten(1), *h[:-1]]
        new_h: list[Tensor | None] = [None] * depth
        new_zeta: list[Tensor | None] = [None] * depth
        drives = []
        for i, x in enumerate(inputs):
            if x is not None:
                seen[i].append(x)
                new_h[i] = stage(i, x).detach()
            if zeta[i] is not None:
                own = seen[i][-1 - (2 * (depth - 1 - i) + 1)] if stash else seen[i][-1]
                own = own.detach().requires_grad_()
                below, *drive = torch.autograd.grad(stage(i, own), [own, *linears[i].parameters()], zeta[i])
                drives.append((i, drive))
                if i > 0:
                    new_zeta[i - 1] = below
        y, about = new_h[-1], t - (depth - 1)
        if y is not None and stream[about].target is not None:
            leaf = y.requires_grad_()
            (new_zeta[-1],) = torch.autograd.grad(functional.cross_entropy(leaf, stream[about].target), leaf)
        with torch.no_grad():
            for i, drive in drives:
                phi = c.loss_weight(clock[i])
                clock[i] += 1
                for p, w, g in zip(linears[i].parameters(), omega[i], drive, strict=True):
                    w.mul_(1 - c.tau * c.eta).add_(g, alpha=c.tau * phi)
                    p.sub_(c.tau * c.beta * w)
        h, zeta = [None if one is None else one.detach() for one in new_h], new_zeta
    return [p.detach() for p in net.parameters()]


@pytest.mark.parametrize("skip", [0, 3])
@pytest.mark.parametrize("stash", [False, True])
@pytest.mark.parametrize("depth", [1, 2, 3, 5])
def test_local_is_its_equations(depth: int, stash: bool, skip: int) -> None:
    net, stream = net_of(depth), samples(60, skip=skip)
    learner = learner_of(Local, net, stash=stash)
    for sample in stream:
        learner.step(sample)
    expected = literal_local(copy.deepcopy(net), physics_of(MOMENTUM), stream, stash)
    moved = 0.0
    for found, wanted, start in zip(learner.weights().values(), expected, net.parameters(), strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-12, atol=1e-13)
        moved = max(moved, float((wanted - start).detach().abs().max()))
    assert moved > 1e-2


def literal_wave(net: nn.Sequential, c: Coefficients, stream: list[Sample]) -> list[Tensor]:
    """Every stage computes at every one of the 2D ticks; the loss is an impulse at tick D-1; z leaks to 0 after it."""
    linears = [m for m in net if isinstance(m, nn.Linear)]
    depth = len(linears)
    omega = [[torch.zeros_like(p) for p in m.parameters()] for m in linears]
    h = [torch.zeros(2, m.out_features, dtype=torch.float64) for m in linears]
    for step, sample in enumerate(stream):
        zeta: list[Tensor | None] = [None] * depth
        for tick in range(2 * depth):
            xs = [sample.inputs.flatten(1), *h[:-1]]
            new_h, new_zeta = [], [None] * depth
            for i, (m, x) in enumerate(zip(linears, xs, strict=True)):
                x = x.detach().requires_grad_()
                f = m(x).tanh() if i < depth - 1 else m(x)
                new_h.append(f.detach())
                if zeta[i] is not None:
                    below, *drive = torch.autograd.grad(f, [x, *m.parameters()], zeta[i])
                    if i > 0:
                        new_zeta[i - 1] = below
                    with torch.no_grad():
                        for p, w, g in zip(m.parameters(), omega[i], drive, strict=True):
                            w.mul_(1 - c.tau * c.eta).add_(g, alpha=c.tau * c.loss_weight(step))
                            p.sub_(c.tau * c.beta * w)
            if tick == depth - 1:
                leaf = new_h[-1].requires_grad_()
                (new_zeta[-1],) = torch.autograd.grad(functional.cross_entropy(leaf, sample.target), leaf)
            h, zeta = [one.detach() for one in new_h], new_zeta
    return [p.detach() for p in net.parameters()]


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_wave_is_its_ticks_with_idle_ones_left_out(depth: int) -> None:
    net, stream = net_of(depth), samples(30)
    learner = learner_of(Wave, net)
    for sample in stream:
        learner.step(sample)
    for found, wanted in zip(
        learner.weights().values(), literal_wave(copy.deepcopy(net), physics_of(MOMENTUM), stream), strict=True
    ):
        torch.testing.assert_close(found, wanted, rtol=1e-12, atol=1e-13)


@one_in(3)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("sgd", [SGD(lr=0.05), MOMENTUM], ids=["gd", "momentum"])
@pytest.mark.parametrize("depth", range(2, 9))
@pytest.mark.parametrize("make", [Wave, Blockwise])
def test_wave_and_blocks_are_identical_to_sgd(make: Make, depth: int, sgd: SGD, dtype: torch.dtype) -> None:
    net = net_of(depth, dtype)
    hl, pytorch = (
        learner_of(make, net, sgd),
        PyTorchLearner(net, functional.cross_entropy, torch.optim.SGD, **vars(sgd)),
    )
    start = copy.deepcopy(pytorch.weights())
    for sample in samples(100, dtype, skip=7):
        hl.step(sample)
        pytorch.step(sample)
        assert all(torch.equal(a, b) for a, b in zip(hl.weights().values(), pytorch.weights().values(), strict=True))
    assert any(not torch.equal(w, start[name]) for name, w in pytorch.weights().items())


@pytest.mark.parametrize("order", ["semi_implicit_euler", "explicit_euler", "rgd"])
@pytest.mark.parametrize("split", ["state", "state_output"])
@pytest.mark.parametrize("cut", [None, 1, 2, [1, 3]])
@pytest.mark.parametrize("make", [Wave, Blockwise])
def test_blocks_with_instantaneous_passing_are_global(make: Make, cut: Any, split: str, order: str) -> None:
    net, decayed = net_of(5), SGD(0.05, 0.6, 0.2, weight_decay=0.01)
    one = copy.deepcopy(net)
    whole = HamiltonianLearner(
        split_chain(one, dense_blocks(one, "tanh"), split), functional.cross_entropy, physics_of(decayed),
        RULES[order],
    )  # fmt: skip
    parts = learner_of(make, net, decayed, split, cut=cut, rule=RULES[order])
    for sample in samples(40):
        a, b = whole.step(sample, observe=True), parts.step(sample, observe=True)
        assert a.loss == b.loss and torch.equal(a.prediction, b.prediction)
        assert all(torch.equal(x, y) for x, y in zip(whole.weights().values(), parts.weights().values(), strict=True))
        assert a.physics is not None and b.physics is not None
        if cut is None:
            assert list(vars(a.physics).values()) == pytest.approx(list(vars(b.physics).values()), rel=1e-12)
