r"""Gradients that are clipped, alike in every arm: torch.nn.utils.clip_grad_value_, then clip_grad_norm_.

    g_k <- min(max(g_k, -value), value)            g <- g min(1, norm / (|g| + 1e-6))

|g| is taken over all weights, as the norm of the norms of the tensors in the order of the net: the same bits in both
arms. In HL g is the drive (dH/dtheta)/phi, which is dL/dtheta, before weight decay is added, as in PyTorch: what makes
omega move is bounded by phi norm.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from hl_cli.dynamics.weights import FlatWeights


@dataclass(frozen=True)
class Clip:
    """norm: the largest |g|; value: the largest |g_k|; None: as large as they come."""

    norm: float | None = None
    value: float | None = None

    def gradients(self, parameters: Sequence[Tensor]) -> None:
        """Clip the .grad of the parameters, in place."""
        if self.value is not None:
            nn.utils.clip_grad_value_(parameters, self.value)
        if self.norm is not None:
            nn.utils.clip_grad_norm_(parameters, self.norm)

    def drive(self, weights: FlatWeights, parameters: Sequence[Tensor]) -> None:
        """Clip the drive of these parameters, in the order of the net, in place."""
        flat = weights.flat_drive
        if self.value is not None:
            flat.clamp_(-self.value, self.value)
        if self.norm is not None:
            length = nn.utils.get_total_norm([weights.drive[p] for p in parameters if id(p) not in weights.resting])
            flat.mul_(torch.clamp(self.norm / (length + 1e-6), max=1.0))
