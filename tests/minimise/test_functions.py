"""Every function that ships: an exact gradient, instances that follow from their generator, a minimum of 0."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from hl_cli.config import registry
from hl_cli.minimise.base import Function
from hl_cli.minimise.matrix_completion import MatrixCompletion

CHOICES = {one.names[0]: one for one in registry.choices("function")}
SMALL: dict[str, dict[str, Any]] = {"matrix_completion": {"rows": 6, "rank": 2}}


def made(name: str, count: int, seed: int = 0, **more: Any) -> Function:
    options = SMALL.get(name, {"n": 7})
    found: Function = CHOICES[name].load()(count, torch.Generator().manual_seed(seed), **{**options, **more})
    return found


@pytest.mark.parametrize("name", CHOICES)
def test_the_gradient_is_that_of_the_value(name: str) -> None:
    function = made(name, 3)
    x = function.start.clone().requires_grad_()
    (wanted,) = torch.autograd.grad(function.value(x).sum(), x)
    found = function.gradient(x.detach())
    assert found.dtype == torch.float64
    torch.testing.assert_close(found, wanted, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", CHOICES)
def test_one_instance_is_shared_by_all_rows_and_of_several_each_row_has_its_own(name: str) -> None:
    one, several = made(name, 1), made(name, 3)
    x = several.start
    rows = torch.stack([one.value(x[k : k + 1])[0] for k in range(3)])
    torch.testing.assert_close(one.value(x), rows)
    assert len(set(several.start[:, 0].tolist())) == 3
    assert torch.equal(several.value(x), made(name, 3).value(x)) and not torch.equal(x, made(name, 3, seed=1).start)


@pytest.mark.parametrize(
    ("name", "place"), [("quadratic", 0.0), ("quartic", 0.0), ("rosenbrock", 1.0)], ids=lambda value: str(value)
)
def test_the_minimum_is_zero(name: str, place: float) -> None:
    function = made(name, 1)
    x = torch.full((1, 7), place, dtype=torch.float64)
    assert float(function.value(x)) == 0.0 and not function.gradient(x).any()
    assert float(function.value(x + 0.1)) > 0.0


def test_a_completed_matrix_has_no_error_at_its_factors() -> None:
    """Also over the entries that were not known; with all of them known both measures agree."""
    function = made("matrix_completion", 1)
    assert isinstance(function, MatrixCompletion)
    u, s, v = torch.linalg.svd(function.matrix[0])
    x = torch.cat([(u[:, :2] * s[:2]).flatten(), v[:2].T.flatten()])[None]
    assert float(function.value(x)) < 1e-20 and float(function.judged(x)) < 1e-12
    assert 0.2 < float(function.known.mean()) < 0.5
    whole = made("matrix_completion", 1, known=1.0)
    assert isinstance(whole, MatrixCompletion)
    norm = float(whole.matrix.square().sum())
    assert float(whole.judged(x)) == pytest.approx((2 * float(whole.value(x)) / norm) ** 0.5)
