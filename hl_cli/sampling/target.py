r"""The contract of a target: the density exp(-U(q)) of n numbers, in float64, for a batch of chains at once.

    energy(q)            (chains, n) to (chains,)        U, up to a constant
    gradient(q)          (chains, n) to (chains, n)      dU/dq
    hessian(q)           (chains, n) to (chains, n, n)   d^2U/dq^2
    hessian_along(q, M)  (chains, n), (chains, n, n) to (chains, n)    sum_ab M_ab d(d^2U/dq^2)_ab / dq_i
    information(q), information_along(q, M)              the same of the Fisher information with that of the prior
    start(chains)        (chains, n)                     where the chains begin: draws of the target, or near to them

M is symmetric. A target is one file: its config class stands in it under `@choice("target", NAME, home=CLASS)`. CLASS
is called with a generator and the fields of the config without `name`. One without Fisher information says so in
`metrics`; of one with known marginals `cdf` has the cumulative distribution of each coordinate that is known.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

Cdf = Callable[["np.ndarray"], "np.ndarray"]


class Target:
    """One target.

    names: of the coordinates; metric: that of the chains on curved space, unless the user says another; metrics: those
    that it has; whitens: whether its coordinates are whitened at its mode, unless the user says; mode: (n,), where
    there is one to whiten at; plane: (coordinate, coordinate), and their ranges, for a picture of the density; steps,
    lengths: of a trajectory, by the name of the method.
    """

    names: Sequence[str]
    metric: str = "fisher"
    metrics: tuple[str, ...] = ("fisher", "softabs")
    whitens: ClassVar[bool] = False
    mode: Tensor | None = None
    cdf: Mapping[str, Cdf] = {}
    steps: ClassVar[Mapping[str, float]] = {"hmc": 0.1, "implicit": 0.1, "explicit": 0.05}
    lengths: ClassVar[Mapping[str, int]] = {"hmc": 20, "implicit": 12, "explicit": 24}

    def energy(self, q: Tensor) -> Tensor:
        """U."""
        raise NotImplementedError

    def gradient(self, q: Tensor) -> Tensor:
        """dU/dq."""
        raise NotImplementedError

    def hessian(self, q: Tensor) -> Tensor:
        """d^2U/dq^2."""
        raise NotImplementedError

    def hessian_along(self, q: Tensor, along: Tensor) -> Tensor:
        """Its derivative in each coordinate, weighted."""
        raise NotImplementedError

    def information(self, q: Tensor) -> Tensor:
        """Fisher information."""
        raise NotImplementedError

    def information_along(self, q: Tensor, along: Tensor) -> Tensor:
        """Its derivative in each coordinate, weighted."""
        raise NotImplementedError

    def start(self, chains: int, generator: torch.Generator) -> Tensor:
        """Where they begin."""
        raise NotImplementedError

    def shown(self, q: Tensor) -> Tensor:
        """The coordinates that `names` names."""
        return q


class Whitened(Target):
    r"""The same density in z, q = mode + A z, A A^T = G(mode)^-1, G its metric: all scales are equal at the mode.

    A sampler on curved space does not change under a linear map, but the binding of the explicit map does: it is the
    same in all directions. HMC profits as from a mass matrix.
    """

    def __init__(self, of: Target) -> None:
        assert of.mode is not None
        self._of = of
        self.names, self.metric, self.metrics, self.cdf = of.names, of.metric, of.metrics, of.cdf
        self._mode = of.mode
        at = of.mode.unsqueeze(0)
        curvature = of.information(at)[0] if of.metric == "fisher" else of.hessian(at)[0]
        lower = torch.linalg.cholesky(curvature)
        self._map = torch.linalg.solve_triangular(lower.T, torch.eye(len(lower), dtype=lower.dtype), upper=True)

    def shown(self, q: Tensor) -> Tensor:
        """mode + A z."""
        return self._mode + q @ self._map.T

    def _turned(self, matrix: Tensor) -> Tensor:
        return self._map.T @ matrix @ self._map

    def _along(self, along: Tensor) -> Tensor:
        return self._map @ along @ self._map.T

    def energy(self, q: Tensor) -> Tensor:
        """U(q), up to the logarithm of |det A|, a constant."""
        return self._of.energy(self.shown(q))

    def gradient(self, q: Tensor) -> Tensor:
        """A^T dU/dq."""
        return self._of.gradient(self.shown(q)) @ self._map

    def hessian(self, q: Tensor) -> Tensor:
        """A^T d^2U/dq^2 A."""
        return self._turned(self._of.hessian(self.shown(q)))

    def hessian_along(self, q: Tensor, along: Tensor) -> Tensor:
        """By the chain rule."""
        return self._of.hessian_along(self.shown(q), self._along(along)) @ self._map

    def information(self, q: Tensor) -> Tensor:
        """A^T G A."""
        return self._turned(self._of.information(self.shown(q)))

    def information_along(self, q: Tensor, along: Tensor) -> Tensor:
        """By the chain rule."""
        return self._of.information_along(self.shown(q), self._along(along)) @ self._map

    def start(self, chains: int, generator: torch.Generator) -> Tensor:
        """Those of the target, mapped back."""
        away = self._of.start(chains, generator) - self._mode
        return torch.linalg.solve(self._map, away.T).T
