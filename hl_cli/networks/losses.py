r"""Losses as HL needs them: the value and dL/dy, where y is what the net says.

cross entropy:  L = -mean_b log softmax(y_b)[target_b]        dL/dy_b = (softmax(y_b) - onehot(target_b)) / batch
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

aten = torch.ops.aten

Loss = Callable[[Tensor, Tensor], Tensor]
ValueAndCostate = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]


def _cross_entropy(y: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """The forward and backward kernels of functional.cross_entropy, called in the order of autograd."""
    log_p = torch.log_softmax(y, 1)
    loss, weight = aten.nll_loss_forward(log_p, target, None, 1, -100)
    g = aten.nll_loss_backward(torch.ones_like(loss), log_p, target, None, 1, -100, weight)
    return loss, aten._log_softmax_backward_data(g, log_p, 1, y.dtype)


def value_and_costate(loss: Loss) -> ValueAndCostate:
    """Turn loss(y, target), a mean over the batch, into a function that also gives dL/dy.

    Cross entropy is written out; any other loss is differentiated by autograd.
    """
    if loss is functional.cross_entropy:
        return _cross_entropy

    def by_autograd(y: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        with torch.enable_grad():
            leaf = y.detach().requires_grad_()
            value = loss(leaf, target)
            return value.detach(), torch.autograd.grad(value, leaf)[0]

    return by_autograd
