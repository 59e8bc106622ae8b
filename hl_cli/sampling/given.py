r"""A density of the user: a function of a module, of n numbers.

    def log_density(q): ...        # (n,) to a number, in torch, up to a constant

Gradient, Hessian and the derivative of the Hessian come from automatic differentiation; there is no Fisher information.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from omegaconf import MISSING
from torch import Tensor
from torch.func import grad, jacrev, vmap

from hl_cli.config.fields import described
from hl_cli.config.plugins import found
from hl_cli.config.registry import choice
from hl_cli.config.targets import TargetConfig
from hl_cli.errors import BadInput
from hl_cli.sampling.target import Target


@choice("target", "given", home="Given")
@dataclass
class GivenConfig(TargetConfig):
    """A log density of your own, module:function."""

    function: str = described(MISSING, "module:function, which gives the log density of a point (n,)")
    n: int = described(MISSING, "numbers of a point", least=1, most=200)


class Given(Target):
    """Chains begin at draws of a standard normal distribution."""

    metric, metrics = "softabs", ("softabs",)

    def __init__(self, generator: torch.Generator, function: str, n: int) -> None:
        log_density = found(f"target.function={function}", function)
        self.names = [f"q{i}" for i in range(1, n + 1)]

        def energy(q: Tensor) -> Tensor:
            try:
                value = log_density(q)
            except Exception as error:
                said = " ".join(f"{type(error).__name__}: {error}".split())
                raise BadInput(
                    f"target.function={function}: {said}: allowed: a function in torch of a point ({n},)"
                ) from error
            if not isinstance(value, Tensor) or value.numel() != 1:
                raise BadInput(
                    f"target.function={function}: gave {type(value).__name__}: allowed: a tensor of one number"
                )
            return -value.reshape(())

        hessian = jacrev(grad(energy))
        self._energy, self._gradient, self._hessian = vmap(energy), vmap(grad(energy)), vmap(hessian)

        def weighed(q: Tensor, along: Tensor) -> Tensor:
            return (hessian(q) * along).sum()

        self._along = vmap(grad(weighed))

    def energy(self, q: Tensor) -> Tensor:
        """Minus the log density."""
        return self._energy(q)

    def gradient(self, q: Tensor) -> Tensor:
        """By automatic differentiation."""
        return self._gradient(q)

    def hessian(self, q: Tensor) -> Tensor:
        """By automatic differentiation."""
        return self._hessian(q)

    def hessian_along(self, q: Tensor, along: Tensor) -> Tensor:
        """By automatic differentiation."""
        return self._along(q, along)

    def start(self, chains: int, generator: torch.Generator) -> Tensor:
        """Standard normal."""
        return torch.randn(chains, len(self.names), generator=generator, dtype=torch.float64)
