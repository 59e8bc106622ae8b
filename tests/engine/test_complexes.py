"""Complex numbers as pairs of real tensors: the numbers of PyTorch."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from hl_cli.engine.complexes import Complex, called, known
from hl_cli.engine.recorder import Unrecordable

aten = torch.ops.aten
Z, W = torch.randn(2, 3, 4, dtype=torch.complex128, generator=torch.Generator().manual_seed(0)).unbind()
R, S = W.real.contiguous(), Z.real.abs().contiguous()
CALLS: list[tuple[Any, tuple[Any, ...], dict[str, Any]]] = [
    (aten.mul.Tensor, (Z, W), {}),
    (aten.mul.Tensor, (Z, R), {}),
    (aten.mul.Tensor, (R, Z), {}),
    (aten.mul.Tensor, (Z[0], 1j * torch.ones((), dtype=Z.dtype)), {}),
    (aten.add.Tensor, (Z, W[0]), {"alpha": 3}),
    (aten.add.Tensor, (Z, R), {}),
    (aten.sub.Tensor, (Z, W), {"alpha": 2}),
    (aten.addcmul.default, (Z, W, Z), {"value": 0.5}),
    (aten.neg.default, (Z,), {}),
    (aten.sgn.default, (torch.cat((Z, torch.zeros_like(Z))),), {}),
    (aten.sum.dim_IntList, (Z, [0], True), {}),
    (aten._conj_physical.default, (Z,), {}),
    (aten.view_as_real.default, (Z,), {}),
    (aten.view_as_complex.default, (torch.view_as_real(W),), {}),
    (aten.polar.default, (S, R), {}),
    (aten.complex.default, (S, R), {}),
]


def pair(one: Any) -> Any:
    return Complex.of(torch.view_as_real(one)) if isinstance(one, Tensor) and one.is_complex() else one


def plain(one: Any) -> Tensor:
    return torch.view_as_complex(one.pairs()) if isinstance(one, Complex) else one


@pytest.mark.parametrize(("operator", "args", "named"), CALLS, ids=lambda one: str(getattr(one, "_name", "")))
def test_it_is_what_pytorch_says(operator: Any, args: tuple[Any, ...], named: dict[str, Any]) -> None:
    name = operator._schema.name
    given = [pair(one) for one in args]
    assert known(name, given)
    torch.testing.assert_close(plain(called(name, given, named)), operator(*args, **named), rtol=1e-14, atol=1e-14)


def test_what_is_written_is_in_the_memory() -> None:
    ours, theirs = Z.clone(), Z.clone()
    called("aten::conj_physical_", [pair(ours)], {})
    assert torch.equal(ours, theirs.conj_physical_())
    called("aten::mul", [pair(Z), 1j], {"out": pair(ours)})
    torch.testing.assert_close(ours, Z * 1j)
    called("aten::copy_", [pair(ours), R], {})
    assert torch.equal(ours, R.to(Z.dtype))


def test_a_call_that_is_not_known_is_named() -> None:
    with pytest.raises(Unrecordable, match="aten::tanh takes complex numbers"):
        called("aten::tanh", [pair(Z)], {})
