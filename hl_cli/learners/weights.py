"""theta and omega of a net, each in one flat buffer; the parameters are views of theta."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from hl_cli.dynamics.drive import Drive

ALIGNMENT = 16  # elements: every slot starts at a full cache line, as PyTorch's own tensors do
PIECE = 2**19  # elements: larger nets are updated in pieces that stay in the cache


class _Buffer(NamedTuple):
    flat: Tensor
    slots: dict[Tensor, Tensor]
    drive: Drive
    pieces: tuple[Tensor, ...]


class FlatWeights:
    """Takes the parameters over: their data become views of `theta`. `omega` starts at 0, as HL asks.

    theta, omega: (slots padded to ALIGNMENT,), zero in the padding. `drive` sums dH/dtheta in a second buffer like
    omega; `exchange` makes it omega.
    """

    def __init__(self, parameters: Sequence[Tensor]) -> None:
        self.parameters = list(parameters)
        like = self.parameters[0]
        self._starts, end = [], 0
        for p in self.parameters:
            self._starts.append(end)
            end += -(-p.numel() // ALIGNMENT) * ALIGNMENT
        self.theta = torch.zeros(end, dtype=like.dtype, device=like.device)
        self._omega, self._next = self._buffer(), self._buffer()
        for p, slot in self.views(self.theta).items():
            slot.copy_(p.detach())
            p.data = slot

    def views(self, flat: Tensor) -> dict[Tensor, Tensor]:
        """Parameter to its place in a buffer like theta."""
        return {
            p: flat[start : start + p.numel()].view(p.shape)
            for p, start in zip(self.parameters, self._starts, strict=True)
        }

    def laid(self, parts: Sequence[Tensor]) -> Tensor:
        """A tensor like theta, of one for each parameter; zero in the padding."""
        pieces: list[Tensor] = []
        for p, part in zip(self.parameters, parts, strict=True):
            pieces.append(part.flatten())
            if padding := -p.numel() % ALIGNMENT:
                pieces.append(part.new_zeros(padding))
        return torch.cat(pieces)

    def _buffer(self) -> _Buffer:
        flat = torch.zeros_like(self.theta)
        slots = self.views(flat)
        return _Buffer(flat, slots, Drive(slots), flat.split(PIECE))

    @property
    def omega(self) -> Tensor:
        """The weight costates, flat."""
        return self._omega.flat

    @property
    def drive(self) -> Drive:
        """Where dH/dtheta is summed."""
        return self._next.drive

    @property
    def flat_drive(self) -> Tensor:
        """The same, flat."""
        return self._next.flat

    def exchange(self) -> None:
        """Let the drive be omega; what was omega is the buffer of the next drive."""
        self._omega, self._next = self._next, self._omega

    def pieces(self) -> Iterable[tuple[Tensor, Tensor]]:
        """(omega, drive), piece by piece."""
        return zip(self._omega.pieces, self._next.pieces, strict=True)

    def costates(self) -> dict[Tensor, Tensor]:
        """Parameter to its omega."""
        return self._omega.slots
