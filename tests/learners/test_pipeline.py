"""A net as a chain of stages: saved and gone on with, made of a user's net, and what it cannot be."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

from hl_cli.dynamics.equivalence import Coefficients, physics_of
from hl_cli.errors import BadInput
from hl_cli.learners.local import Local
from hl_cli.learners.passing import Blockwise, Wave
from hl_cli.learners.pytorch import PyTorchLearner
from hl_cli.networks.feedforward import dense_blocks
from hl_cli.networks.splits import side_by_side, split_chain, split_of, stages
from tests.chains import CLASSES, MOMENTUM, WIDTH, Make, learner_of, net_of, samples


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
        Blockwise(chain, functional.cross_entropy, Coefficients(1.0, 0.1, 1.0, 1.0, 1.0, rate=0.5))
    with pytest.raises(BadInput, match="at most 2, one a block"):
        learner_of(Local, net, devices=["cpu"] * 3)


@pytest.mark.parametrize("stash", [False, True])
def test_local_refuses_a_sample_of_another_shape(stash: bool) -> None:
    learner = learner_of(Local, net_of(3), stash=stash)
    for sample in samples(7):
        learner.step(sample)
    before = {name: w.clone() for name, w in learner.weights().items()}
    with pytest.raises(BadInput, match=r"shape \(3, 1, 5\) after one of \(2, 1, 5\)"):
        learner.step(samples(1, batch=3)[0])
    assert all(torch.equal(w, before[name]) for name, w in learner.weights().items())
    wave = learner_of(Wave, net_of(3))
    for batch in (2, 3):
        assert wave.step(samples(1, batch=batch)[0]).loss is not None
