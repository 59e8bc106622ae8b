"""Schemes against loops that take their equations literally, and the proof that a stage sees its neighbours alone."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from hl_cli.dynamics.equivalence import SGD, Coefficients, physics_of
from hl_cli.dynamics.integrators import INTEGRATORS
from hl_cli.errors import BadInput, NonFinite
from hl_cli.learners.hamiltonian import HamiltonianLearner
from hl_cli.learners.local import Local
from hl_cli.learners.passing import Blocks, Wave
from hl_cli.learners.pipeline import Pipeline
from hl_cli.learners.pytorch import PyTorchLearner
from hl_cli.networks.feedforward import dense_blocks, feedforward
from hl_cli.networks.splits import side_by_side, split_chain, split_of, stages
from hl_cli.types import Sample

WIDTH, CLASSES = 5, 3
Make = Callable[..., Pipeline]
MOMENTUM = SGD(lr=0.05, momentum=0.7, dampening=0.3)


def net_of(depth: int, dtype: torch.dtype = torch.float64) -> nn.Sequential:
    torch.manual_seed(depth)
    return feedforward(WIDTH, [WIDTH] * (depth - 1), CLASSES).to(dtype)


def samples(count: int, dtype: torch.dtype = torch.float64, batch: int = 2, skip: int = 0) -> list[Sample]:
    """skip: every so many samples one has no target."""
    draw = torch.Generator().manual_seed(1)
    found = []
    for k in range(count):
        x = torch.randn(batch, 1, WIDTH, generator=draw, dtype=torch.float64).to(dtype)
        target = torch.randint(CLASSES, (batch,), generator=draw)
        found.append(Sample(x, None if skip and k % skip == skip - 1 else target))
    return found


def learner_of(make: Make, net: nn.Sequential, sgd: SGD = MOMENTUM, split: str = "state", **options: Any) -> Pipeline:
    own = copy.deepcopy(net)
    chain = split_chain(own, dense_blocks(own, "tanh"), split)
    return make(chain, functional.cross_entropy, physics_of(sgd), **options)


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


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("sgd", [SGD(lr=0.05), MOMENTUM], ids=["gd", "momentum"])
@pytest.mark.parametrize("depth", range(2, 9))
@pytest.mark.parametrize("make", [Wave, Blocks])
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


@pytest.mark.parametrize("order", INTEGRATORS)
@pytest.mark.parametrize("split", ["state", "state_output"])
@pytest.mark.parametrize("cut", [None, 1, 2, [1, 3]])
@pytest.mark.parametrize("make", [Wave, Blocks])
def test_blocks_with_instantaneous_passing_are_global(make: Make, cut: Any, split: str, order: str) -> None:
    net, decayed = net_of(5), SGD(0.05, 0.6, 0.2, weight_decay=0.01)
    one = copy.deepcopy(net)
    whole = HamiltonianLearner(
        split_chain(one, dense_blocks(one, "tanh"), split), functional.cross_entropy, physics_of(decayed),
        INTEGRATORS[order],
    )  # fmt: skip
    parts = learner_of(make, net, decayed, split, cut=cut, integrator=INTEGRATORS[order])
    for sample in samples(40):
        a, b = whole.step(sample, observe=True), parts.step(sample, observe=True)
        assert a.loss == b.loss and torch.equal(a.prediction, b.prediction)
        assert all(torch.equal(x, y) for x, y in zip(whole.weights().values(), parts.weights().values(), strict=True))
        assert a.physics is not None and b.physics is not None
        if cut is None:
            assert list(vars(a.physics).values()) == pytest.approx(list(vars(b.physics).values()), rel=1e-12)


@pytest.mark.parametrize("stash", [False, True])
def test_a_stage_sees_its_neighbours_messages_and_no_weights_but_its_own(stash: bool) -> None:
    """Every other stage's theta, omega and clock are poisoned after their messages were made: nothing changes."""
    stream = samples(13)
    for k in range(4):
        clean, poisoned = (learner_of(Local, net_of(4), stash=stash) for _ in range(2))
        assert isinstance(clean, Local) and isinstance(poisoned, Local)
        for sample in stream[:-1]:
            clean.step(sample)
            poisoned.step(sample)
        for other in poisoned.stages:
            if other.number != k + 1:
                other.phase.theta.fill_(torch.nan)
                other.phase.omega.fill_(1e30)
                other.steps = 10**6
        clean.step(stream[-1])
        with pytest.raises(NonFinite):
            poisoned.step(stream[-1])
        mine, same = clean.stages[k], poisoned.stages[k]
        assert torch.equal(mine.phase.omega, same.phase.omega)
        same.move_weights()  # a fault elsewhere had held it back
        assert torch.equal(mine.phase.theta, same.phase.theta)
        if k < 3:
            assert torch.equal(clean._h[k + 1], poisoned._h[k + 1])
        if k > 0:
            assert torch.equal(clean._zeta[k - 1], poisoned._zeta[k - 1])


@pytest.mark.parametrize("make", [Blocks, Local])
def test_a_value_that_is_not_finite_moves_no_weight(make: Make) -> None:
    learner = learner_of(make, net_of(3))
    for sample in samples(10):
        learner.step(sample)
    before = {name: w.clone() for name, w in learner.weights().items()}
    bad = samples(1)[0]
    with pytest.raises(NonFinite, match=r"loss|weight costate of block"):
        for _ in range(10):
            before = {name: w.clone() for name, w in learner.weights().items()}
            learner.step(bad._replace(inputs=bad.inputs * torch.nan))
    assert all(torch.equal(w, before[name]) for name, w in learner.weights().items())


def test_a_fault_in_a_wave_stops_the_stage_that_meets_it() -> None:
    learner = learner_of(Wave, net_of(3))
    for sample in samples(5):
        learner.step(sample)
    middle = learner.stages[1].phase
    before = middle.theta.clone(), learner.stages[0].phase.theta.clone()
    middle.omega.fill_(torch.finfo(torch.float64).max)
    learner.coefficients = learner.stages[1].coefficients = Coefficients(1.0, 0.1, -1.0, 1.0, 1.0)
    with pytest.raises(NonFinite, match="weight costate of block 2"):
        learner.step(samples(1)[0])
    assert torch.equal(middle.theta, before[0]) and torch.equal(learner.stages[0].phase.theta, before[1])


@pytest.mark.parametrize(
    ("make", "options"), [(Local, {}), (Local, {"stash": True}), (Local, {"devices": ["cpu", "cpu"]}), (Wave, {})]
)
def test_it_goes_on_from_its_state_with_the_same_bits(make: Make, options: dict[str, Any], tmp_path: Any) -> None:
    stream = samples(40, skip=5)
    whole, first = (learner_of(make, net_of(4), **options) for _ in range(2))
    for sample in stream[:17]:
        whole.step(sample)
        first.step(sample)
    torch.save(first.state_dict(), tmp_path / "state")
    second = learner_of(make, net_of(4), **options)
    second.load_state_dict(torch.load(tmp_path / "state", weights_only=True))
    for sample in stream[17:]:
        a, b = whole.step(sample), second.step(sample)
        assert a.loss == b.loss
    assert all(torch.equal(x, y) for x, y in zip(whole.weights().values(), second.weights().values(), strict=True))


def test_a_record_of_local_is_of_the_sample_that_entered_before() -> None:
    learner, stream = learner_of(Local, net_of(3)), samples(6)
    said = [learner.step(sample) for sample in stream]
    assert [r.loss for r in said[:2]] == [None, None]
    assert [r.sample for r in said[2:]] == stream[:-2]


def test_a_users_sequential_is_identical_too() -> None:
    net = nn.Sequential(nn.Linear(WIDTH, 4), nn.GELU(), nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, CLASSES)).double()
    own = copy.deepcopy(net)
    split = split_of(own, state=stages(own), ticks=side_by_side)
    hl = Wave(split, functional.cross_entropy, physics_of(MOMENTUM))
    flat = nn.Sequential(nn.Flatten(), net)
    pytorch = PyTorchLearner(flat, functional.cross_entropy, torch.optim.SGD, **vars(MOMENTUM))
    for sample in samples(50):
        assert hl.step(sample).loss == pytorch.step(sample).loss
    assert hl.depth == 3
    assert all(torch.equal(a, b) for a, b in zip(hl.weights().values(), pytorch.weights().values(), strict=True))


def test_what_blocks_cannot_be() -> None:
    net = net_of(2)
    chain = split_chain(net, dense_blocks(net, "tanh"), "state")
    with pytest.raises(BadInput, match="rate 1/tau"):
        Blocks(chain, functional.cross_entropy, Coefficients(1.0, 0.1, 1.0, 1.0, 1.0, rate=0.5))
    with pytest.raises(BadInput, match="at most 2, one a block"):
        learner_of(Local, net, devices=["cpu"] * 3)
