r"""Losses as HL needs them: the value and dL/dy, where y is what the net says. N rows, K outputs, means over all.

cross_entropy   L = -mean_n log softmax(y_n)[c_n]              dL/dy = (softmax(y) - onehot(c)) / N
mse             L = mean_nk (y_nk - t_nk)^2                    dL/dy = 2 (y - t) / (N K);  t = onehot(c) for classes
binary          L = -mean_n log sig((2 c_n - 1) y_n)           dL/dy = (sig(y) - c) / N,  c in {0, 1}, one output
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from hl_cli.errors import NoSuchCombination
from hl_cli.types import Task

aten = torch.ops.aten

Loss = Callable[[Tensor, Tensor], Tensor]
ValueAndCostate = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
MEAN = 1


def squared_error(y: Tensor, target: Tensor) -> Tensor:
    """Mean squared error against values (rows, outputs), or against one-hot rows for class numbers (rows,)."""
    return functional.mse_loss(y, _as_values(y, target))


def binary(y: Tensor, target: Tensor) -> Tensor:
    """Cross entropy of one logit (rows, 1) against class numbers 0 and 1 (rows,)."""
    return functional.binary_cross_entropy_with_logits(y, _as_column(y, target))


LOSSES: dict[str, Loss] = {"cross_entropy": functional.cross_entropy, "mse": squared_error, "binary": binary}


def loss_of(task: Task, name: str | None) -> tuple[str, int]:
    """Name of the loss and how many outputs a net needs for it; without a name the usual one of the task."""
    if task.kind == "values":
        if name not in (None, "mse"):
            raise NoSuchCombination(f"loss={name}: the stream asks for values, not for classes; allowed: mse")
        return "mse", task.size
    if name == "binary":
        if task.size != 2:
            raise NoSuchCombination(
                f"loss=binary: the stream has {task.size} classes, not 2; allowed: cross_entropy, mse"
            )
        return name, 1
    return name or "cross_entropy", task.size


def _as_values(y: Tensor, target: Tensor) -> Tensor:
    return target if target.is_floating_point() else functional.one_hot(target, y.shape[1]).to(y.dtype)


def _as_column(y: Tensor, target: Tensor) -> Tensor:
    return target.to(y.dtype).unsqueeze(1)


# The forward and backward kernels of the losses above, called in the order of autograd.


def _cross_entropy(y: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    log_p = torch.log_softmax(y, 1)
    loss, weight = aten.nll_loss_forward(log_p, target, None, MEAN, -100)
    g = aten.nll_loss_backward(torch.ones_like(loss), log_p, target, None, MEAN, -100, weight)
    return loss, aten._log_softmax_backward_data(g, log_p, 1, y.dtype)


def _squared_error(y: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    t = _as_values(y, target)
    loss = aten.mse_loss(y, t, MEAN)
    return loss, aten.mse_loss_backward(torch.ones_like(loss), y, t, MEAN)


def _binary(y: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    t = _as_column(y, target)
    loss = aten.binary_cross_entropy_with_logits(y, t, None, None, MEAN)
    return loss, (torch.sigmoid(y) - t) / y.numel()


WRITTEN: dict[Loss, ValueAndCostate] = {
    functional.cross_entropy: _cross_entropy,
    squared_error: _squared_error,
    functional.mse_loss: _squared_error,
    binary: _binary,
}


def value_and_costate(loss: Loss) -> ValueAndCostate:
    """Turn loss(y, target), a mean over the rows, into a function that also gives dL/dy.

    The losses of this file are written out; any other is differentiated by autograd.

    >>> value_and_costate(squared_error)(torch.tensor([[1.0, 3.0]]), torch.tensor([[0.0, 0.0]]))
    (tensor(5.), tensor([[1., 3.]]))
    """
    if loss in WRITTEN:
        return WRITTEN[loss]

    def by_autograd(y: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        with torch.enable_grad():
            leaf = y.detach().requires_grad_()
            value = loss(leaf, target)
            return value.detach(), torch.autograd.grad(value, leaf)[0]

    return by_autograd
