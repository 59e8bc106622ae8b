"""credit=network: what the map learns, held to autograd, to a fixed point, and to truncated BPTT."""

from __future__ import annotations

import copy
from itertools import islice
from typing import Any

import pytest
import torch

from tests.credit.test_eligibility import LIVING, STILL, TICKS, Build
from tests.credit.test_tail import weights

NETWORK = ("credit=network",)


@pytest.mark.parametrize("model", ["gru", "lstm"])
def test_without_learning_it_is_truncated_back_propagation_over_one_tick(build: Build, model: str) -> None:
    """rate=0: its bits."""
    more = ("dtype=float32", "arms.pytorch.window=1", f"model={model}", "scenario=mom_b", "model.layers=2")
    built = build(*LIVING, *NETWORK, "credit.rate=0", *more)
    for sample in islice(built.stream, TICKS):
        built.hl.step(sample)
        built.pytorch.step(sample)
    for mine, other in zip(weights(built), weights(built, "pytorch"), strict=True):
        assert torch.equal(mine, other)


@pytest.mark.parametrize("rate", ["null", "0.6"])
def test_a_step_of_the_map(build: Build, rate: str) -> None:
    """V' by autograd, of two layers: the gradient of loss + v . h' by the states of before is what V is to foresee."""
    built = build(*LIVING, *NETWORK, "credit.rate=0.3", "model=gru", "model.layers=2", f"scheme.rate={rate}", *STILL)
    samples, leak = list(islice(built.stream, TICKS)), 1.0 if rate == "null" else float(rate)
    for sample in samples[:-1]:
        built.hl.step(sample)
    chain, net = built.hl.credit.neurons, copy.deepcopy(built.hl.split.module)
    v, x = chain.v.clone(), chain._x.clone()
    old: Any = [h[0].clone().requires_grad_() for h in chain.after]
    u = shown = samples[-1].inputs[:, 0]
    new: Any = []
    for cell, h in zip(net.cells, old, strict=True):
        shown = h + leak * (cell(shown, h) - h)
        new.append(shown)
    seen = torch.cat((*new, u, torch.ones(1, 1, dtype=u.dtype)), 1)
    worth = (
        built.measure.loss(net.head(shown), samples[-1].target) + ((seen @ v.t()).detach() * torch.cat(new, 1)).sum()
    )
    sent = torch.cat(torch.autograd.grad(worth, old), 1)
    wanted = v + 0.3 * (sent - x @ v.t()).t() @ x / x.square().sum()
    built.hl.step(samples[-1])
    assert torch.allclose(chain.v, wanted, rtol=1e-12, atol=1e-14)
    assert float((wanted - v).abs().max()) > 1e-4


def test_it_learns_the_costate_that_will_come(build: Build) -> None:
    """h' = a h at a constant l: the sum of all that comes back is a l / (1 - a)."""
    built = build(*LIVING, *NETWORK, "credit.rate=0.5", "model=diagonal", "split=state_output", *STILL)
    chain, drive = built.hl.credit.neurons, built.hl.phase.drive
    given, u = torch.linspace(-1, 1, 5, dtype=torch.float64)[None], torch.zeros(1, 3, dtype=torch.float64)
    with torch.no_grad():
        for _ in range(4000):
            chain.tick(u)
            drive.start()
            chain.vjp(given, drive)
        one = chain.blocks[0].vjp_state(chain._tapes or chain.blocks[0].record(u, chain.after[0])[1], (given,))[0]
        a = one / given
        a[given == 0] = 0
    foreseen = (torch.cat((chain.after[0][0], u, torch.ones(1, 1, dtype=u.dtype)), 1) @ chain.v.t())[0]
    assert torch.allclose(foreseen, (a * given / (1 - a))[0], rtol=1e-6)
    assert float(foreseen.abs().max()) > 1.0


def test_what_rests_sends_nothing_back(build: Build) -> None:
    """scheme.reset=sample: the costate to come of the last tick is zero, and V learns so; it goes on from a state."""
    more = (*LIVING, *NETWORK, "credit.rate=0.5", "model=rnn", "scheme.reset=sample", "stream.ticks=3")
    whole, parts = build(*more), build(*more)
    samples = list(islice(whole.stream, 12))
    for sample in samples[:6]:
        whole.hl.step(sample)
    chain = whole.hl.credit.neurons
    v, x = chain.v.clone(), chain._x.clone()
    chain.restart("sample")
    assert torch.allclose(chain.v, v - 0.5 * (x @ v.t()).t() @ x / x.square().sum(), rtol=1e-12)
    chain.v, chain._x = v, x
    parts.hl.load_state_dict(copy.deepcopy(whole.hl.state_dict()))
    for sample in samples[6:]:
        whole.hl.step(sample)
        parts.hl.step(sample)
    assert all(torch.equal(a, b) for a, b in zip(weights(whole), weights(parts), strict=True))
