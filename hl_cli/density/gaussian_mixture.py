r"""The simple rival: Gaussians with full covariances, fitted by expectation maximisation of scikit-learn.

    log p(x) = log sum_j a_j N(x; m_j, S_j)

Their number is that of the candidates with the best likelihood of the points kept apart.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture
from torch import Tensor


def fitted(train: Tensor, apart: Tensor, candidates: Sequence[int], seed: int) -> GaussianMixture:
    """The best of the candidates, the first of equals; train, apart: (points, n)."""
    tried = []
    for count in candidates:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            of = GaussianMixture(count, n_init=2, reg_covar=1e-6, random_state=seed).fit(train.numpy())
        tried.append((of, float(of.score(apart.numpy()))))
    best = max(score for _, score in tried)
    return next(of for of, score in tried if score == best)


def count(of: GaussianMixture) -> int:
    """Parameters: means, symmetric covariances, and shares that sum to 1."""
    k, n = of.means_.shape
    return int(k * (n + n * (n + 1) // 2) + k - 1)


def log_density(of: GaussianMixture, x: Tensor) -> Tensor:
    """(b,) of (b, n)."""
    return torch.from_numpy(of.score_samples(x.double().numpy()))


def draw(of: GaussianMixture, points: int, generator: torch.Generator) -> Tensor:
    """(points, n), in an order of their own."""
    weights = torch.from_numpy(of.weights_)
    chosen = torch.multinomial(weights, points, replacement=True, generator=generator)
    root = torch.linalg.cholesky(torch.from_numpy(of.covariances_))
    noise = torch.randn(points, root.shape[-1], generator=generator, dtype=torch.float64)
    return torch.from_numpy(of.means_)[chosen] + (root[chosen] @ noise.unsqueeze(-1)).squeeze(-1)
