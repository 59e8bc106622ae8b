"""exp of a matrix against torch's, its pull-back against finite differences and against torch's."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from hl_cli.networks.exponential import MatrixExponential, derivative, exponential

SIZES = [(1, 1.0), (2, 0.0), (3, 1e-9), (5, 0.3), (8, 4.0), (33, 1.0), (70, 20.0)]  # 33 and 70: rows in several parts


def drawn(n: int, size: float, antisymmetric: bool) -> Tensor:
    """A matrix, and with it a costate of its exponential."""
    torch.manual_seed(n)
    w = torch.randn(2, n, n, dtype=torch.float64) * n**-0.5 * torch.tensor([size, 1.0]).double()[:, None, None]
    return torch.stack((w[0] - w[0].t(), w[1])) if antisymmetric else w


@pytest.mark.parametrize("antisymmetric", [True, False])
@pytest.mark.parametrize(("n", "size"), SIZES)
def test_exp_and_its_pull_back_are_those_of_torch(n: int, size: float, antisymmetric: bool) -> None:
    a, z = drawn(n, size if antisymmetric else min(size, 2.0), antisymmetric)
    wanted = torch.linalg.matrix_exp(a)
    pulled = torch.ops.aten.matrix_exp_backward(a, z)
    for dtype, digits in ((torch.float64, 1e-12), (torch.float32, 1e-5)):
        torch.testing.assert_close(
            exponential(a.to(dtype)).double(), wanted, rtol=digits, atol=digits * wanted.abs().max()
        )
        found = derivative(a.to(dtype).t(), z.to(dtype)).double()
        torch.testing.assert_close(found, pulled, rtol=digits, atol=digits * float(pulled.abs().max()))
    if antisymmetric:
        e = exponential(a)
        torch.testing.assert_close(e @ e.t(), torch.eye(n).double(), rtol=0, atol=1e-13)


@pytest.mark.parametrize("size", [0.1, 1.0, 5.0])
def test_autograd_goes_through_it(size: float) -> None:
    """Finite differences; and a costate that lies in memory the other way round gives the same bits."""
    a, z = drawn(4, size, False)
    assert torch.autograd.gradcheck(MatrixExponential.apply, (a.requires_grad_(),))
    a = drawn(40, size, True)[0].float()
    z = torch.randn(40, 40)
    assert torch.equal(derivative(a.t(), z), derivative(a.t(), z.t().contiguous().t()))


def test_what_is_not_finite_comes_out() -> None:
    a = torch.zeros(3, 3)
    a[0, 1] = math.nan
    assert not torch.isfinite(exponential(a)).all()
    assert not torch.isfinite(derivative(a, torch.ones(3, 3))).all()
