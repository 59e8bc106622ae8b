r"""The exponential of a matrix and its pull-back, in a few buffers of the matrix's size.

With B = A / 2^s, s >= 0 the smallest for which the sum of moduli in no column of B is above 1,

    exp(A) = p(B)^(2^s)        p(B) = sum over k = 0..m of B^k / k!        m even, 1/(m+1)! below half an ulp of 1

p is summed by T' = T B + 1/k!, row by row in place, then squared s times. Its derivative in a direction V
follows line by line, (X Y)' = X' Y + X Y'. What pulls a costate Z of exp(A) back to A is that derivative at the
transpose, in the direction Z: the adjoint of this very sum.

torch.linalg.matrix_exp does the same with more terms and fewer squarings, but keeps all powers, and its pull-back those
of a matrix of twice the size: at 128 x 128 in float32 that takes 5 MB, this .5 MB.
Source: Higham, Functions of Matrices, 2008, sections 3.1, 10.3 and 10.6.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

ROWS = 32  # of a product that are there twice, before they take the place of those they were made of


def _terms(dtype: torch.dtype) -> int:
    """The degree m: 10 for float32, 18 for float64."""
    return next(m for m in range(2, 100, 2) if 1 / math.factorial(m + 1) < torch.finfo(dtype).eps / 2)


def _halvings(a: Tensor) -> int:
    """The number s; 0 for what is not finite, which then comes out."""
    norm = float(a.abs().sum(0).max())
    return max(0, math.ceil(math.log2(norm))) if 0 < norm < math.inf else 0


def _coefficients(s: int, m: int) -> list[float]:
    """Of A^k in p(A / 2^s), k = 0..m: powers of two scale exactly, so that B itself is not needed."""
    return [0.5 ** (s * k) / math.factorial(k) for k in range(m + 1)]


def exponential(a: Tensor) -> Tensor:
    """exp(a) of a (n, n), outside autograd.

    >>> exponential(torch.tensor([[0.0, 1.0], [0.0, 0.0]]))
    tensor([[1., 1.],
            [0., 1.]])
    """
    s, m = _halvings(a), _terms(a.dtype)
    term = _coefficients(s, m)
    x = a * term[m]
    for k in range(m - 1, -1, -1):
        x.diagonal().add_(term[k])
        if k:
            for row in x.split(ROWS):
                row.copy_(torch.mm(row, a))
    y = torch.empty_like(x) if s else x
    for _ in range(s):
        x, y = torch.mm(x, x, out=y), x
    return x


def derivative(a: Tensor, v: Tensor) -> Tensor:
    """The derivative of exponential at a in the direction v, both (n, n)."""
    s, m = _halvings(a), _terms(a.dtype)
    term, v = _coefficients(s, m), v.contiguous()
    x, dx = a * term[m], v * term[m]
    for k in range(m - 1, -1, -1):
        x.diagonal().add_(term[k])
        if k:
            for row, d_row in zip(x.split(ROWS), dx.split(ROWS), strict=True):
                d_row.copy_(torch.mm(d_row, a).addmm_(row, v))
                row.copy_(torch.mm(row, a))
    y = torch.empty_like(x) if s else x
    for k in range(s):
        dx, y = torch.mm(dx, x, out=y).addmm_(x, dx), dx
        if k < s - 1:
            x, y = torch.mm(x, x, out=y), x
    return dx


class MatrixExponential(torch.autograd.Function):
    """exponential, with its pull-back for autograd."""

    @staticmethod
    def forward(ctx: Any, a: Tensor) -> Tensor:
        """exp(a)."""
        ctx.save_for_backward(a)
        return exponential(a)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, z: Tensor) -> Tensor:
        """The derivative at the transpose."""
        (a,) = ctx.saved_tensors
        return derivative(a.t(), z)
