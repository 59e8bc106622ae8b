r"""Bayesian logistic regression on six features of the breast cancer data that come with scikit-learn.

    U = sum_j log(1 + exp(-s_j x_j . b)) + |b|^2 / (2 prior),   s_j = +-1

The features are radius, texture, perimeter, area, smoothness and compactness, standardised, and a bias. Radius,
perimeter and area say almost the same: the posterior is a thousand times wider in one direction than in another. Its
Fisher information is its Hessian.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from sklearn.datasets import load_breast_cancer
from torch import Tensor

from hl_cli.config.fields import described
from hl_cli.config.registry import choice
from hl_cli.config.targets import TargetConfig
from hl_cli.sampling.target import Target

FEATURES = 6
NEWTON = 50


@choice("target", "logistic", home="Logistic")
@dataclass
class LogisticConfig(TargetConfig):
    """Logistic regression: malignant or benign, by six correlated features."""

    prior: float = described(100.0, "prior variance of a weight", least=1e-9, most=1e9)


class Logistic(Target):
    """The bias last."""

    whitens = True
    steps: ClassVar = {"hmc": 0.3, "implicit": 0.3, "explicit": 0.3}
    lengths: ClassVar = {"hmc": 6, "implicit": 6, "explicit": 6}

    def __init__(self, generator: torch.Generator, prior: float = 100.0) -> None:
        data = load_breast_cancer()
        inputs = torch.from_numpy(data.data[:, :FEATURES]).double()
        inputs = (inputs - inputs.mean(0)) / inputs.std(0)
        self.names = [*(name.removeprefix("mean ").replace(" ", "_") for name in data.feature_names[:FEATURES]), "bias"]
        signs = 2.0 * torch.from_numpy(data.target).double() - 1.0
        self._inputs = torch.cat([inputs, torch.ones(len(inputs), 1, dtype=torch.float64)], 1)
        self._signed, self._prior = self._inputs * signs.unsqueeze(1), prior
        self._products = (self._inputs.unsqueeze(2) * self._inputs.unsqueeze(1)).flatten(1)  # x_j x_j^T
        self.mode = self._newton()

    def _newton(self) -> Tensor:
        """The mode; U is convex."""
        q = torch.zeros(1, len(self.names), dtype=torch.float64)
        for _ in range(NEWTON):
            q = q - torch.linalg.solve(self.hessian(q), self.gradient(q).unsqueeze(2)).squeeze(2)
        return q[0]

    def energy(self, q: Tensor) -> Tensor:
        """U."""
        misfit = torch.nn.functional.softplus(-q @ self._signed.T).sum(1)
        return misfit + q.square().sum(1) / (2 * self._prior)

    def gradient(self, q: Tensor) -> Tensor:
        """dU/db."""
        return q / self._prior - (-q @ self._signed.T).sigmoid() @ self._signed

    def hessian(self, q: Tensor) -> Tensor:
        """X^T diag(s (1 - s)) X + 1/prior."""
        chance = (q @ self._inputs.T).sigmoid()
        of_data = ((chance * (1 - chance)) @ self._products).view(len(q), q.shape[1], q.shape[1])
        return of_data + torch.eye(q.shape[1], dtype=q.dtype) / self._prior

    def hessian_along(self, q: Tensor, along: Tensor) -> Tensor:
        """sum_j s (1 - s) (1 - 2 s) (x_j . M x_j) x_j."""
        chance = (q @ self._inputs.T).sigmoid()
        sizes = along.flatten(1) @ self._products.T
        return (chance * (1 - chance) * (1 - 2 * chance) * sizes) @ self._inputs

    def information(self, q: Tensor) -> Tensor:
        """The Hessian."""
        return self.hessian(q)

    def information_along(self, q: Tensor, along: Tensor) -> Tensor:
        """The Hessian's."""
        return self.hessian_along(q, along)

    def start(self, chains: int, generator: torch.Generator) -> Tensor:
        """Draws of the Gaussian at the mode that has its curvature."""
        assert self.mode is not None
        lower = torch.linalg.cholesky(self.hessian(self.mode.unsqueeze(0))[0])
        drawn = torch.randn(len(self.names), chains, generator=generator, dtype=torch.float64)
        return self.mode + torch.linalg.solve_triangular(lower.T, drawn, upper=True).T
