r"""What a learnt potential sees of the positions, and the way back of its gradient.

    plain      q
    periodic   sin q, cos q              U is periodic in every angle
    pairs      |q_i - q_j|, scaled       U does not change where all bodies are moved or turned: momentum and angular
                                         momentum of the forecast are exact

pull(q, g) is (d features / dq)^T g, in closed form, so that a force needs no automatic differentiation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor


class Features(Protocol):
    """(r, b, n) to (r, b, f) and back."""

    def size(self, n: int) -> int:
        """f."""

    def of(self, q: Tensor) -> Tensor:
        """The features."""

    def pull(self, q: Tensor, g: Tensor) -> Tensor:
        """The gradient by q of that by the features."""


class Plain:
    """The positions themselves."""

    def size(self, n: int) -> int:
        """n."""
        return n

    def of(self, q: Tensor) -> Tensor:
        """q."""
        return q

    def pull(self, q: Tensor, g: Tensor) -> Tensor:
        """g."""
        return g


class Periodic:
    """Sine and cosine of each angle."""

    def size(self, n: int) -> int:
        """2 n."""
        return 2 * n

    def of(self, q: Tensor) -> Tensor:
        """(sin q, cos q)."""
        return torch.cat([q.sin(), q.cos()], -1)

    def pull(self, q: Tensor, g: Tensor) -> Tensor:
        """cos q g_sin - sin q g_cos."""
        by_sin, by_cos = g.chunk(2, -1)
        return q.cos() * by_sin - q.sin() * by_cos


@dataclass(frozen=True)
class Pairs:
    """The distances of all pairs of bodies in a space of so many dimensions."""

    bodies: int
    space: int = 2

    def size(self, n: int) -> int:
        """A distance a pair."""
        return self.bodies * (self.bodies - 1) // 2

    def _gaps(self, q: Tensor) -> Tensor:
        first, second = torch.triu_indices(self.bodies, self.bodies, 1)
        at = q.unflatten(-1, (self.bodies, self.space))
        return at[..., first, :] - at[..., second, :]

    def of(self, q: Tensor) -> Tensor:
        """|q_i - q_j|."""
        return self._gaps(q).square().sum(-1).sqrt()

    def pull(self, q: Tensor, g: Tensor) -> Tensor:
        """Along the line between the two bodies of each pair."""
        first, second = torch.triu_indices(self.bodies, self.bodies, 1)
        gaps = self._gaps(q)
        along = gaps / gaps.square().sum(-1, keepdim=True).sqrt() * g.unsqueeze(-1)
        found = torch.zeros_like(q).unflatten(-1, (self.bodies, self.space))
        return found.index_add(-2, first, along).index_add(-2, second, -along).flatten(-2)
