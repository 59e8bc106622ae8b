r"""RealNVP: affine couplings of two parts (a, b) of a point, which change places from coupling to coupling.

    b' = b exp(s(a)) + t(a),   s = 2 tanh(s~),   (s~, t) = W_2 relu(W_1 relu(W_0 a))      each W with a bias
    log p(x) = log N(z; 0, I) - sum of all s

Source: Dinh, Sohl-Dickstein, Bengio, ICLR 2017, arXiv 1605.08803.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

import torch
from torch import Tensor

from hl_cli.density.flow import log_normal
from hl_cli.replicates.layers import Weights, affine, drawn

MOST = 2.0  # of s


@dataclass(frozen=True)
class RealNVP:
    """Points of two numbers or more."""

    couplings: int
    momentum: ClassVar[bool] = False

    def latent(self, n: int) -> int:
        """Those of x."""
        return n

    def draw(self, n: int, hidden: int, generators: Sequence[torch.Generator]) -> Weights:
        """A net a coupling."""
        found: Weights = {}
        for i in range(self.couplings):
            given = n // 2 if i % 2 == 0 else n - n // 2
            sizes = [given, hidden, hidden, 2 * (n - given)]
            for k, (inner, outer) in enumerate(pairwise(sizes)):
                found[f"{i}_weight_{k}"], found[f"{i}_bias_{k}"] = drawn(generators, inner, outer)
        return found

    def _net(self, weights: Weights, i: int, given: Tensor) -> tuple[Tensor, Tensor]:
        """s and t."""
        for k in range(3):
            given = affine(given if k == 0 else given.relu(), weights[f"{i}_weight_{k}"], weights[f"{i}_bias_{k}"])
        scale, shift = given.chunk(2, -1)
        return MOST * scale.tanh(), shift

    def _parts(self, x: Tensor, i: int) -> tuple[Tensor, Tensor]:
        first, last = x[..., : x.shape[-1] // 2], x[..., x.shape[-1] // 2 :]
        return (first, last) if i % 2 == 0 else (last, first)

    def path(self, weights: Weights, z: Tensor) -> list[Tensor]:
        """Every coupling."""
        found = [z]
        for i in range(self.couplings):
            given, other = self._parts(found[-1], i)
            scale, shift = self._net(weights, i, given)
            found.append(_joined(given, other * scale.exp() + shift, i))
        return found

    def _back(self, weights: Weights, x: Tensor) -> tuple[Tensor, Tensor]:
        """z, and the log determinant of x to z."""
        log_det = x.new_zeros(x.shape[:-1])
        for i in reversed(range(self.couplings)):
            given, other = self._parts(x, i)
            scale, shift = self._net(weights, i, given)
            x, log_det = _joined(given, (other - shift) * (-scale).exp(), i), log_det - scale.sum(-1)
        return x, log_det

    def inverse(self, weights: Weights, state: Tensor) -> Tensor:
        """z."""
        return self._back(weights, state)[0]

    def log_weight(self, weights: Weights, x: Tensor, noise: Tensor) -> Tensor:
        """log p(x) itself; without noise."""
        z, log_det = self._back(weights, x)
        return log_normal(z) + log_det


def _joined(given: Tensor, other: Tensor, i: int) -> Tensor:
    return torch.cat([given, other] if i % 2 == 0 else [other, given], -1)
