"""HL.equal_to takes the steps of torch's optimizers bit for bit, for every set of options; no gradient is changed."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from hl_cli import HL
from hl_cli.dynamics.equivalence import Coefficients
from hl_cli.dynamics.rules import semi_implicit_euler
from hl_cli.dynamics.rules.euler import SemiImplicitEuler
from hl_cli.dynamics.rules.kinetic import Relativistic
from hl_cli.dynamics.weights import FlatWeights
from hl_cli.optimizer import buckets
from hl_cli.optimizer.kinds import known
from tests.bits import same
from tests.covering import one_in
from tests.optimizer.pairs import SHAPES, Pair, parameters
from tests.option_sets import OF_MASSES, SGDS

SETS: dict[str, list[dict[str, Any]]] = {"SGD": SGDS} | {
    name: OF_MASSES[name.lower()] for name in known() if name != "SGD"
}


def test_all_that_have_a_rule_are_known() -> None:
    assert known() == ["Adagrad", "Adam", "AdamW", "NAdam", "RMSprop", "SGD"]


@one_in(2)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("piece", [2**17, 64], ids=["in buckets", "in pieces"])
@pytest.mark.parametrize("name", SETS)
def test_every_set_of_options(name: str, piece: int, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buckets, "PIECE", piece)
    for options in SETS[name]:
        pair = Pair(name, {"lr": 0.01, **options}, dtype).steps(12)
        assert pair.equal(), options
        assert same([p.grad for p in pair.theirs], [q.grad for q in pair.ours]), options  # type: ignore[misc]


@pytest.mark.parametrize("name", SETS)
def test_defaults_are_those_of_torch(name: str) -> None:
    assert Pair(name, {}).steps(5).equal()


@pytest.mark.parametrize("piece", [2**17, 64], ids=["in buckets", "in pieces"])
@pytest.mark.parametrize("name", SETS)
def test_parameters_without_gradients_rest_and_count_their_own_steps(
    name: str, piece: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One is frozen, one begins late, some rest in turn; then all move again."""
    monkeypatch.setattr(buckets, "PIECE", piece)
    pair = Pair(name, {"lr": 0.01, "weight_decay": 0.01} | ({"momentum": 0.9} if name in ("SGD", "RMSprop") else {}))
    pair.theirs[0].requires_grad_(False)
    pair.ours[0].requires_grad_(False)
    pair.steps(24, lambda step: {0, step % 9} | ({6} if step < 3 else set()) if step < 20 else {0}).equal()
    assert pair.equal()
    assert pair.ours[0] not in pair.hl.state or not pair.hl.state[pair.ours[0]]
    assert [pair.hl.state[pair.ours[k]]["taken"] for k in (1, 6)] == [21, 19]


def test_strided_parameters_and_gradients() -> None:
    """Channels last, transposed gradients, and data that is assigned anew between two steps."""
    torch.manual_seed(0)
    data = torch.randn(6, 5, 3, 3).to(memory_format=torch.channels_last)
    p, q = nn.Parameter(data.clone()), nn.Parameter(data.clone())
    stock, hl = torch.optim.AdamW([p]), HL.equal_to(torch.optim.AdamW, [q])
    for step in range(6):
        p.grad = torch.randn(3, 3, 5, 6).permute(3, 2, 0, 1) if step % 2 else torch.randn(6, 5, 3, 3)
        q.grad = p.grad.clone()
        stock.step()
        hl.step()
        q.data = q.data.clone(memory_format=torch.preserve_format)
    assert torch.equal(p, q) and q.is_contiguous(memory_format=torch.channels_last)


def test_data_of_other_strides_may_be_assigned(monkeypatch: pytest.MonkeyPatch) -> None:
    """To a parameter that is moved in pieces, too."""
    monkeypatch.setattr(buckets, "PIECE", 64)
    pair = Pair("AdamW", {}).steps(2)
    pair.ours[6].data = pair.ours[6].data.t().contiguous().t()
    assert not pair.ours[6].is_contiguous() and pair.steps(3).equal()


def test_own_numbers_are_those_of_the_learner() -> None:
    """tau, beta, eta and phi, against FlatWeights with the same coefficients."""
    c = Coefficients(0.5, 0.3, 0.8, 1.1, 2.0, 0.01, nesterov=True)
    ours = parameters()
    hl = HL(ours, tau=0.5, beta=0.3, eta=0.8, phi=1.1, phi_first=2.0, weight_decay=0.01, nesterov=True)
    weights = FlatWeights(parameters())
    for step in range(8):
        weights.drive.start()
        for k, (p, q) in enumerate(zip(ours, weights.parameters, strict=True)):
            p.grad = torch.randn(SHAPES[k], generator=torch.Generator().manual_seed(100 * step + k))
            weights.drive.add(q, p.grad)
        hl.step()
        weights.finish()
        with torch.no_grad():
            semi_implicit_euler.step(weights, c, c.loss_weight(step), c.phi_first, lambda omega: None)
    assert same(ours, weights.parameters)
    assert same([hl.state[p]["omega"] for p in ours], [*weights.costates().values()])


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("of", ["global", "tensor", "weight"])
def test_a_relativistic_step_is_that_of_the_learner(of: str, late: bool) -> None:
    """Over all parameters together, also when one of them has its first step later."""
    c, rule = Coefficients(0.5, 0.3, 0.8, 1.1, 1.1, 0.01), SemiImplicitEuler()
    rule.kinetic = Relativistic(0.05, of)
    ours, weights = parameters(torch.float64), FlatWeights(parameters(torch.float64))
    own = {"kinetic": "relativistic", "limit": 0.05, "limit_of": of}
    hl = HL(ours, tau=0.5, beta=0.3, eta=0.8, phi=1.1, weight_decay=0.01, **own)  # type: ignore[arg-type]
    for step in range(8):
        if step == 4:  # a checkpoint
            state, hl = hl.state_dict(), HL(ours)
            hl.load_state_dict(state)
        before = [p.detach().clone() for p in ours]
        weights.drive.start()
        for k, (p, q) in enumerate(zip(ours, weights.parameters, strict=True)):
            p.grad = None
            if late and k == 1 and step < 3:
                weights.drive.pass_over([q])
                continue
            p.grad = torch.randn(SHAPES[k], dtype=p.dtype, generator=torch.Generator().manual_seed(100 * step + k))
            weights.drive.add(q, p.grad)
        hl.step()
        weights.finish()
        with torch.no_grad():
            rule.step(weights, c, c.loss_weight(step), c.phi_first, lambda omega: None)
            moves = torch.cat([(p - b).flatten() for p, b in zip(ours, before, strict=True)])
        farthest = moves.abs().max() if of == "weight" else moves.norm()
        assert 0 < float(farthest) <= 0.05 * (len(ours) if of == "tensor" else 1)
    for p, q in zip(ours, weights.parameters, strict=True):
        torch.testing.assert_close(p, q, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("piece", [2**17, 64], ids=["in buckets", "in pieces"])
def test_bfloat16_parameters_have_float32_costates(piece: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A step is that of AdamW in float32 over the weights as they are; they are rounded after it."""
    monkeypatch.setattr(buckets, "PIECE", piece)
    ours, wide = parameters(torch.bfloat16), [nn.Parameter(p.detach().float()) for p in parameters(torch.bfloat16)]
    hl, stock = HL.equal_to(torch.optim.AdamW, ours, lr=0.01), torch.optim.AdamW(wide, lr=0.01)
    for _ in range(8):
        for p, w in zip(ours, wide, strict=True):
            p.grad = torch.randn_like(p)
            w.grad = p.grad.float()
        hl.step()
        stock.step()
        for w in wide:
            w.data.copy_(w.data.bfloat16())
    assert same([p.float() for p in ours], wide)
    for p, w in zip(ours, wide, strict=True):
        assert p.dtype == torch.bfloat16 and torch.equal(hl.state[p]["omega"], stock.state[w]["exp_avg"])
