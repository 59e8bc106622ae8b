"""Losses: their values by hand, their costates as autograd has them, bit for bit."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from hl_cli.errors import BadInput
from hl_cli.networks.losses import LOSSES, WRITTEN, loss_of, value_and_costate
from hl_cli.types import Task

CLASSES = Task("classes", 5)
VALUES = Task("values", 3)
CASES = [("cross_entropy", CLASSES), ("mse", CLASSES), ("mse", VALUES), ("binary", Task("classes", 2))]


def drawn(task: Task, outputs: int, rows: int, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    torch.manual_seed(rows)
    y = torch.randn(rows, outputs, dtype=dtype) * 3
    values = torch.randn(rows, task.size, dtype=dtype)
    return y, values if task.kind == "values" else torch.randint(0, task.size, (rows,))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("rows", [1, 7, 32, 1000])
@pytest.mark.parametrize(("name", "task"), CASES)
def test_written_costate_has_the_bits_of_autograd(name: str, task: Task, rows: int, dtype: torch.dtype) -> None:
    name, outputs = loss_of(task, name)
    loss = LOSSES[name]
    y, target = drawn(task, outputs, rows, dtype)
    value, costate = value_and_costate(loss)(y, target)
    leaf = y.clone().requires_grad_()
    expected = loss(leaf, target)
    expected.backward()
    assert loss in WRITTEN
    assert torch.equal(value, expected.detach()) and torch.equal(costate, leaf.grad)


@pytest.mark.parametrize("rows", [1, 7])
@pytest.mark.parametrize(("name", "task"), CASES)
def test_value_is_the_formula(name: str, task: Task, rows: int) -> None:
    name, outputs = loss_of(task, name)
    y, target = drawn(task, outputs, rows, torch.float64)
    if name == "cross_entropy":
        expected = -torch.stack([y[n].exp()[c] / y[n].exp().sum() for n, c in enumerate(target)]).log().mean()
    elif name == "binary":
        expected = -torch.stack([1 / (1 + (-(2 * c - 1) * y[n, 0]).exp()) for n, c in enumerate(target)]).log().mean()
    else:
        t = target if task.kind == "values" else torch.eye(task.size, dtype=torch.float64)[target]
        expected = ((y - t) ** 2).sum() / y.numel()
    torch.testing.assert_close(LOSSES[name](y, target), expected)


def test_any_other_loss_is_differentiated() -> None:
    y, target = drawn(VALUES, 3, 4, torch.float64)
    value, costate = value_and_costate(functional.l1_loss)(y, target)
    assert torch.equal(value, (y - target).abs().mean())
    assert torch.equal(costate, (y - target).sign() / y.numel())


def test_the_loss_follows_from_the_task() -> None:
    assert loss_of(CLASSES, None) == ("cross_entropy", 5)
    assert loss_of(VALUES, None) == ("mse", 3)
    assert loss_of(Task("classes", 2), "binary") == ("binary", 1)
    for task, name, words in (
        (VALUES, "cross_entropy", "loss=cross_entropy: the stream asks for values, not for classes; allowed: mse"),
        (CLASSES, "binary", "loss=binary: the stream has 5 classes, not 2"),
    ):
        with pytest.raises(BadInput, match=words):
            loss_of(task, name)


@pytest.mark.parametrize("batch", [1, 5, 32])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_cross_entropy_has_the_bits_of_autograd(batch: int, dtype: torch.dtype) -> None:
    y, target = torch.randn(batch, 10, dtype=dtype, requires_grad=True), torch.randint(10, (batch,))
    loss = functional.cross_entropy(y, target)
    (expected,) = torch.autograd.grad(loss, y)
    for function in (functional.cross_entropy, lambda a, b: functional.cross_entropy(a, b)):  # written, autograd
        with torch.no_grad():
            value, zeta = value_and_costate(function)(y.detach(), target)
        assert torch.equal(value, loss) and torch.equal(zeta, expected)
