"""In training scripts: closures, hooks, mixed precision, compiled and parallel nets; what is refused, in one line."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from hl_cli import HL
from hl_cli.errors import BadInput
from tests.bits import same
from tests.optimizer.pairs import Pair, parameters

X, Y = torch.randn(16, 6, generator=torch.Generator().manual_seed(0)), torch.arange(16) % 3


def nets() -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 3))
    return net, copy.deepcopy(net)


def loss_of(net: Callable[[Tensor], Tensor]) -> Tensor:
    return nn.functional.cross_entropy(net(X), Y)


def both(net: nn.Module, own: nn.Module) -> tuple[torch.optim.Optimizer, torch.optim.Optimizer]:
    return torch.optim.AdamW(net.parameters(), lr=0.01), HL.equal_to(torch.optim.AdamW, own.parameters(), lr=0.01)


@pytest.mark.parametrize("to_none", [True, False])
def test_a_closure_computes_loss_and_gradients(to_none: bool) -> None:
    net, own = nets()
    losses = []
    for module, optimizer in zip((net, own), both(net, own), strict=True):

        def closure(module: nn.Module = module, optimizer: torch.optim.Optimizer = optimizer) -> float:
            optimizer.zero_grad(set_to_none=to_none)
            loss = loss_of(module)
            loss.backward()
            return loss.item()

        losses.append([optimizer.step(closure) for _ in range(5)])
    assert losses[0] == losses[1] and losses[1][-1] < losses[1][0]
    assert same([*net.parameters()], [*own.parameters()])


def test_hooks_are_called_around_a_step() -> None:
    pair, said = Pair("SGD", {}), []
    pair.hl.register_step_pre_hook(lambda optimizer, args, kwargs: said.append("before"))
    pair.hl.register_step_post_hook(lambda optimizer, args, kwargs: said.append("after"))
    pair.hl.register_state_dict_post_hook(lambda optimizer, state: said.append("state"))
    pair.hl.register_load_state_dict_pre_hook(lambda optimizer, state: said.append("load"))
    pair.steps(1).hl.load_state_dict(pair.hl.state_dict())
    assert said == ["before", "after", "state", "load"]


def test_a_scaler_skips_steps_with_infinite_gradients() -> None:
    net, own = nets()
    for module, optimizer in zip((net, own), both(net, own), strict=True):
        scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
        for step in range(6):
            optimizer.zero_grad()
            with torch.autocast("cpu", torch.bfloat16):
                loss = loss_of(module)
            scaler.scale(loss * (torch.inf if step == 3 else 1.0)).backward()
            scaler.step(optimizer)
            scaler.update()
        assert scaler.get_scale() == 512.0
    assert same([*net.parameters()], [*own.parameters()])


def test_a_compiled_net_sees_the_steps() -> None:
    """aot_eager traces the net once and reads its parameters where they lie."""
    net, own = nets()
    seen: Any = torch.compile(own, backend="aot_eager")
    for module, optimizer in zip((net, seen), both(net, own), strict=True):
        for _ in range(4):
            optimizer.zero_grad()
            loss_of(module).backward()
            optimizer.step()
    assert same([*net.parameters()], [*own.parameters()])


def test_weights_may_be_changed_and_shared_between_steps() -> None:
    """A parameter is never a view of a buffer: what is loaded, averaged or assigned counts."""
    pair = Pair("AdamW", {}).steps(3)
    for some in (pair.theirs, pair.ours):
        some[3].data = torch.ones(17, 2)
        with torch.no_grad():
            some[5].mul_(2.0)
    assert pair.steps(3).equal()
    assert all(q.untyped_storage().nbytes() == q.numel() * q.element_size() for q in pair.ours)


def test_what_cannot_be_stepped_is_refused_before_anything_moves() -> None:
    with pytest.raises(BadInput, match=r"a parameter of shape \(2,\) is complex: allowed: real numbers"):
        HL([nn.Parameter(torch.zeros(2, dtype=torch.complex64))])
    table = nn.Embedding(10, 3, sparse=True)
    other = nn.Parameter(torch.ones(3))
    hl = HL.equal_to(torch.optim.AdamW, [other, table.weight])
    (table(torch.tensor([1, 2])).sum() + other.sum()).backward()
    with pytest.raises(BadInput, match=r"gradient of a parameter of shape \(10, 3\) is sparse: allowed: dense"):
        hl.step()
    assert torch.equal(other, torch.ones(3))


def test_the_script_of_the_documents_equals_adamw() -> None:
    """A transformer encoder of torch.nn, with a schedule; 1,000 steps were run by hand."""
    page = (Path(__file__).resolve().parents[2] / "docs" / "howto" / "optimizer.md").read_text()
    script = page.partition("```python\n")[2].partition("```")[0]
    short = script.replace("100", "12").rpartition("assert")[0]
    ours: dict[str, Any] = {}
    theirs: dict[str, Any] = {}
    exec(short, ours)
    exec(short.replace("HL.equal_to(torch.optim.AdamW, ", "torch.optim.AdamW("), theirs)
    assert isinstance(ours["optimizer"], HL) and not isinstance(theirs["optimizer"], HL)
    assert len(ours["losses"]) == 12 and ours["losses"] == theirs["losses"]
    assert same([*ours["net"].parameters()], [*theirs["net"].parameters()])


REFUSED: list[tuple[Any, dict[str, Any], str]] = [
    (torch.optim.LBFGS, {}, "LBFGS: allowed: torch.optim.Adagrad, .*torch.optim.SGD"),
    (torch.optim.AdamW, {"fused": True}, "AdamW: fused=True: allowed: lr, betas, eps, weight_decay, amsgrad, maximize"),
    (torch.optim.AdamW, {"momentum": 0.9}, "AdamW: momentum=0.9: allowed: lr"),
    (torch.optim.AdamW, {"betas": (1.0, 0.9)}, r"AdamW: betas=\[1.0, 0.9\]: allowed: one or more numbers >= 0 and < 1"),
    (torch.optim.AdamW, {"betas": (0.9,)}, r"betas=\[0.9\]: allowed: two numbers"),
    (torch.optim.AdamW, {"eps": 0.0}, "AdamW: eps=0.0: allowed: a number > 0"),
    (torch.optim.AdamW, {"eps": "x"}, "AdamW: .*eps"),
    (torch.optim.AdamW, {"lr": -1.0}, "AdamW: lr=-1.0: allowed: a number >= 0"),
    (torch.optim.SGD, {"nesterov": True}, "nesterov=true .*: allowed: with a momentum"),
    (torch.optim.SGD, {"momentum": -0.1}, "SGD: momentum=-0.1: allowed: a number >= 0"),
    (None, {"tau": 0.0}, "HL: tau=0: allowed: a number > 0"),
    (None, {"beta": -1.0}, "HL: beta=-1: allowed: a number >= 0"),
    (None, {"eta": -1.0}, "HL: eta=-1.0: allowed: a number >= 0"),
    (None, {"kinetic": "quantum"}, "HL: kinetic=quantum: allowed: classical, relativistic"),
    (None, {"kinetic": "relativistic", "limit": 0.0}, "HL: limit=0.0: allowed: a number > 0"),
    (None, {"kinetic": "relativistic", "limit_of": "net"}, "HL: limit_of=net: allowed: global, tensor, weight"),
    (None, {"nesterov": True}, r"HL: nesterov=True \(tau\*eta=1\): allowed: with tau\*eta below 1"),
]


@pytest.mark.parametrize(("kind", "options", "said"), REFUSED, ids=lambda of: str(of)[:30])
def test_options_are_refused_in_one_line(kind: Any, options: dict[str, Any], said: str) -> None:
    for groups in (parameters(), [{"params": parameters(), **options}]):
        if isinstance(groups[0], dict) and ({"fused", "momentum"} & set(options) or kind is torch.optim.LBFGS):
            continue  # a group may carry entries of its own
        with pytest.raises(BadInput, match=said) as error:
            given = options if not isinstance(groups[0], dict) else {}
            HL(groups, **given) if kind is None else HL.equal_to(kind, groups, **given)
        assert "\n" not in str(error.value)
