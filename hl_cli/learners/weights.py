"""theta and omega of a net, each in one flat buffer of which the parameters are views."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from hl_cli.dynamics.integrators import Pieces

ALIGNMENT = 16  # elements: every slot starts at a full cache line, as PyTorch's own tensors do
FLAT_LIMIT = 2**17  # weights: up to here one flat drive is fastest, beyond it pieces that stay in the cache
PIECE = 2**15


class FlatWeights:
    """Takes the parameters over: their data become views of `theta`; `omega` starts at 0, as HL asks.

    theta, omega: (slots padded to ALIGNMENT,), zero in the padding; the integrators move both in place.
    """

    def __init__(self, parameters: Sequence[nn.Parameter]) -> None:
        self.parameters = list(parameters)
        sizes = [p.numel() for p in self.parameters]
        padded = [-(-size // ALIGNMENT) * ALIGNMENT for size in sizes]
        like = self.parameters[0]
        self.theta = torch.zeros(sum(padded), dtype=like.dtype, device=like.device)
        self.omega = torch.zeros_like(self.theta)
        self._drive = torch.zeros_like(self.theta)
        self._padding = [self.theta.new_zeros(gap - size) for gap, size in zip(padded, sizes, strict=True)]
        self._flat = [(self.theta, self.omega, self._drive)] if sum(padded) <= FLAT_LIMIT else None
        self._slots: list[tuple[tuple[Tensor, ...], tuple[Tensor, ...]]] = []
        start = 0
        for p, size, gap in zip(self.parameters, sizes, padded, strict=True):
            theta, omega = self.theta[start : start + size], self.omega[start : start + size]
            theta.copy_(p.detach().reshape(-1))
            p.data = theta.view(p.shape)
            self._slots.append((theta.split(PIECE), omega.split(PIECE)))
            start += gap

    def pieces(self, drive: list[Tensor]) -> Pieces:
        """The whole at once while it is small, else cache-sized pieces of each slot."""
        if self._flat is not None:
            parts = [part for pair in zip(drive, self._padding, strict=True) for part in pair]
            torch.cat([part.reshape(-1) for part in parts], out=self._drive)
            return self._flat
        return (
            piece
            for (theta, omega), g in zip(self._slots, drive, strict=True)
            for piece in zip(theta, omega, g.reshape(-1).split(PIECE), strict=True)
        )

    def costates(self) -> list[Tensor]:
        """Omega, one view a parameter."""
        return [
            torch.as_strided(omega[0], p.shape, p.stride(), omega[0].storage_offset())
            for (_, omega), p in zip(self._slots, self.parameters, strict=True)
        ]
