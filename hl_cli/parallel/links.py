"""What passes between neighbouring processes: h upwards, zeta downwards, while both go on computing."""

from __future__ import annotations

import torch
import torch.distributed as dist
from torch import Tensor

from hl_cli.parallel.world import World

DIMENSIONS = 8


class Link:
    """One neighbour. The first message in a direction says its shape, which all later ones have.

    A message must not be changed once it is sent; what is received is a new tensor each time.
    """

    def __init__(self, world: World, rank: int, like: Tensor) -> None:
        self._world, self._rank, self._like = world, rank, like
        self._sending: list[tuple[dist.Work, Tensor]] = []  # a tensor must live until it has gone
        self._expected: tuple[dist.Work, Tensor] | None = None
        self._sent_shape: tuple[int, ...] | None = None
        self._shape: tuple[int, ...] | None = None

    def send(self, message: Tensor) -> None:
        """Begin to send: it goes when the other one expects it. The message before must have gone first."""
        message = message.contiguous()
        if self._sent_shape is None:
            self._sent_shape = tuple(message.shape)
            head = torch.tensor([message.dim(), *message.shape, *[0] * (DIMENSIONS - 1 - message.dim())])
            self._sending.append((self._world.send(head, self._rank), head))
        else:
            self._world.wait(*(work for work, _ in self._sending))
            self._sending.clear()
        self._sending.append((self._world.send(message, self._rank), message))

    def expect(self) -> None:
        """Begin to receive, so that the message comes in while this process computes."""
        if self._shape is not None:
            message = self._like.new_empty(self._shape)
            self._expected = self._world.receive(message, self._rank), message

    def receive(self) -> Tensor:
        """Return the next message."""
        if self._shape is None:
            head = torch.zeros(DIMENSIONS, dtype=torch.int64)
            self._world.wait(self._world.receive(head, self._rank))
            self._shape = tuple(head[1 : 1 + int(head[0])].tolist())
        if self._expected is None:
            self.expect()
        assert self._expected is not None
        (work, message), self._expected = self._expected, None
        self._world.wait(work)
        return message
