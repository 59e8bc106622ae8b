"""State: taken up in the middle, copied and pickled, with the bits; groups and schedulers as torch has them."""

from __future__ import annotations

import copy
import io
import pickle
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.optim import Optimizer, lr_scheduler

from hl_cli import HL
from hl_cli.errors import BadInput
from hl_cli.optimizer import buckets
from tests.bits import same
from tests.optimizer.pairs import Pair, parameters


def gradients(some: list[nn.Parameter], step: int, resting: int = -1) -> None:
    draw = torch.Generator().manual_seed(step)
    for k, p in enumerate(some):
        drawn = torch.randn(p.shape, generator=draw)
        p.grad = None if k == resting else drawn.to(p.dtype)


def run(optimizer: Optimizer, some: list[nn.Parameter], first: int, last: int) -> None:
    for step in range(first, last):
        gradients(some, step, resting=step % 5)
        optimizer.step()


KINDS: dict[str, Callable[[Any], HL]] = {
    "HL": lambda p: HL(p, tau=0.5, beta=0.1, eta=0.4, phi=1.3, phi_first=2.0),
    "NAdam": lambda p: HL.equal_to(torch.optim.NAdam, p, weight_decay=0.01),
    "AMSGrad": lambda p: HL.equal_to(torch.optim.AdamW, p, amsgrad=True),
    "RMSprop": lambda p: HL.equal_to(torch.optim.RMSprop, p, centered=True, momentum=0.5),
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("kind", KINDS)
def test_a_state_taken_up_in_the_middle_has_the_bits(kind: str, dtype: torch.dtype) -> None:
    """By state_dict, through a file, by deepcopy and by pickle."""
    unbroken = parameters(dtype)
    run(KINDS[kind](unbroken), unbroken, 0, 16)
    first = parameters(dtype)
    optimizer = KINDS[kind](first)
    run(optimizer, first, 0, 9)

    file = io.BytesIO()
    torch.save(optimizer.state_dict(), file)
    file.seek(0)
    for state in (optimizer.state_dict(), torch.load(file, weights_only=True)):
        later = [nn.Parameter(p.detach().clone()) for p in first]
        other = KINDS[kind](later)
        other.load_state_dict(state)
        run(other, later, 9, 16)
        assert same(later, unbroken)
    for copied, later in (copy.deepcopy((optimizer, first)), pickle.loads(pickle.dumps((optimizer, first)))):
        run(copied, later, 9, 16)
        assert same(later, unbroken)
    run(optimizer, first, 9, 16)  # no copy shares a state with it
    assert same(first, unbroken)


def test_a_state_of_another_optimizer_is_refused_and_changes_nothing() -> None:
    pair = Pair("AdamW", {}).steps(3)
    before = copy.deepcopy(pair.hl.state_dict())
    sgd = HL.equal_to(torch.optim.SGD, parameters())
    wrong = copy.deepcopy(before)
    wrong["state"][3]["omega"] = torch.zeros(5)
    for state, said in (
        (pair.stock.state_dict(), "group 0 is of another optimizer: allowed: of HL with the rule AdamW"),
        (sgd.state_dict(), "group 0 is of SGD: allowed: of HL with the rule AdamW"),
        (wrong, r"omega of parameter 3 has the shape \(5,\): allowed: \(17, 2\)"),
    ):
        with pytest.raises(BadInput, match=said):
            pair.hl.load_state_dict(state)
    after = pair.hl.state_dict()
    assert after["param_groups"] == before["param_groups"]
    assert all(torch.equal(after["state"][k]["omega"], of["omega"]) for k, of in before["state"].items())
    assert pair.steps(3).equal()


@pytest.mark.parametrize("piece", [2**17, 64], ids=["in buckets", "in pieces"])
def test_what_is_done_to_the_state_counts(piece: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in torch: cleared it begins anew; tensors in it may be changed in place, or be others."""
    monkeypatch.setattr(buckets, "PIECE", piece)
    pair = Pair("AdamW", {}).steps(3)
    pair.stock.state.clear()
    pair.hl.state.clear()
    assert pair.steps(3).equal()
    for k, (p, q) in enumerate(zip(pair.theirs, pair.ours, strict=True)):
        theirs, ours = pair.stock.state[p], pair.hl.state[q]
        theirs["exp_avg"].mul_(0.5)
        theirs["exp_avg_sq"] = theirs["exp_avg_sq"] * 2.0
        if k % 2:
            ours["omega"].mul_(0.5)
        else:
            ours["omega"] = ours["omega"] * 0.5
        ours["second"] = ours["second"] * 2.0
    assert pair.steps(3).equal()


def halves(p: list[nn.Parameter]) -> list[dict[str, Any]]:
    return [
        {"params": p[:3], "lr": 0.05, "weight_decay": 0.1, "betas": (0.5, 0.9)},
        {"params": p[3:], "amsgrad": True, "name": "own"},
    ]


def test_groups_override_and_may_be_added_later() -> None:
    pair = Pair("AdamW", {"lr": 0.01}, groups=lambda p: halves(p[:5])).steps(6, lambda step: {5, 6})
    pair.stock.add_param_group({"params": pair.theirs[5:], "lr": 0.02})
    pair.hl.add_param_group({"params": pair.ours[5:], "lr": 0.02})
    assert pair.steps(6).equal()
    for group in (*pair.stock.param_groups, *pair.hl.param_groups):
        group["weight_decay"] = 0.3
    assert pair.steps(6).equal()


def test_a_group_of_own_numbers_keeps_tau_times_beta_as_lr() -> None:
    p = parameters()
    hl = HL(
        [
            {"params": p[0]},
            {"params": p[1], "beta": 0.5},
            {"params": p[2], "tau": 1.0},
            {"params": p[3], "tau": 1.0, "beta": 3.0},
            {"params": p[4], "lr": 7.0},
        ],
        tau=0.5,
        beta=0.25,
    )
    assert [group["lr"] for group in hl.param_groups] == [0.125, 0.25, 0.25, 3.0, 7.0]
    assert not any("beta" in group for group in hl.param_groups)


SCHEDULES: dict[str, Callable[[Optimizer], Any]] = {
    "lambda": lambda o: lr_scheduler.LambdaLR(o, lambda step: (step + 1) / 10),
    "one cycle": lambda o: lr_scheduler.OneCycleLR(o, 0.1, total_steps=20),
    "cyclic": lambda o: lr_scheduler.CyclicLR(o, 1e-4, 0.1, 3),
    "restarts": lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 4),
    "sequential": lambda o: lr_scheduler.SequentialLR(
        o, [lr_scheduler.LinearLR(o, 0.1, total_iters=5), lr_scheduler.ExponentialLR(o, 0.9)], [5]
    ),
}


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("name", ["AdamW", "SGD"])
def test_schedulers_of_torch_drive_lr_and_beta(name: str, schedule: str) -> None:
    pair = Pair(name, {"lr": 0.01} | ({"momentum": 0.9} if name == "SGD" else {}))
    both = [SCHEDULES[schedule](one) for one in (pair.stock, pair.hl)]
    for _ in range(18):
        pair.steps(1)
        for one in both:
            one.step()
    assert pair.equal() and pair.hl.param_groups[0]["lr"] == pair.stock.param_groups[0]["lr"]


def test_a_plateau_and_a_learning_rate_in_a_tensor() -> None:
    pair, rate = Pair("Adam", {"lr": 0.01}), torch.tensor(0.01, dtype=torch.float64)
    by_tensor = parameters()
    hl = HL.equal_to(torch.optim.Adam, by_tensor, lr=rate)
    plateaus = [lr_scheduler.ReduceLROnPlateau(one, factor=0.5, patience=0) for one in (pair.stock, pair.hl, hl)]
    for _ in range(6):
        pair.steps(1)
        for p, q in zip(by_tensor, pair.ours, strict=True):
            p.grad = q.grad
        hl.step()
        for one in plateaus:
            one.step(1.0)
    assert pair.equal() and same(by_tensor, pair.ours) and float(rate) < 0.001
