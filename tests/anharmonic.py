"""An anharmonic potential, and update rules as maps of its phase space."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from hl_cli.dynamics.equivalence import Coefficients
from hl_cli.dynamics.phase_space import Phase
from hl_cli.dynamics.rules import UpdateRule
from hl_cli.dynamics.rules.base import pure
from hl_cli.dynamics.rules.kinetic import Kinetic

N = 4
A = torch.randn(N, N, dtype=torch.float64, generator=torch.Generator().manual_seed(3))


def slope(x: Tensor) -> Tensor:
    """Of an anharmonic potential."""
    return A @ (A.T @ x) + x**3


def drawn(count: int) -> list[Tensor]:
    generator = torch.Generator().manual_seed(1)
    return [torch.randn(N, dtype=torch.float64, generator=generator) for _ in range(count)]


def step_of(
    rule: UpdateRule, c: Coefficients, g: Callable[[Tensor], Tensor] = slope
) -> Callable[[Tensor, Tensor], Phase]:
    return lambda x, omega: pure(rule, x, omega, slope(x), c, c.phi)


def with_kinetic(rule: UpdateRule, kinetic: Kinetic) -> UpdateRule:
    rule.kinetic = kinetic
    return rule
