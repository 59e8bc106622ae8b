"""What passes between neighbouring processes: h upwards, zeta downwards, while both go on computing."""

from __future__ import annotations

import torch
import torch.distributed as dist
from torch import Tensor

from hl_cli.errors import BadInput
from hl_cli.parallel.world import World

DIMENSIONS = 8
Geometry = tuple[tuple[int, ...], tuple[int, ...]]


def _flat(message: Tensor) -> Tensor:
    """All elements of a tensor in the order of its storage, with what may lie between them."""
    shape, strides = message.shape, message.stride()
    span = 1 + sum((n - 1) * stride for n, stride in zip(shape, strides, strict=True)) if message.numel() else 0
    return message.as_strided((span,), (1,))


class Link:
    """One neighbour. The first message in a direction says its shape and strides, which all later ones have.

    With its strides kept, a message meets the same kernels as within one process. It must not be changed once it is
    sent; what is received is a new tensor each time.
    """

    def __init__(self, world: World, rank: int, like: Tensor) -> None:
        self._world, self._rank, self._like = world, rank, like
        self._sending: list[tuple[dist.Work, Tensor]] = []  # a tensor must live until it has gone
        self._expected: tuple[dist.Work, Tensor] | None = None
        self._sent: Geometry | None = None
        self._coming: Geometry | None = None

    def send(self, message: Tensor | None) -> None:
        """Begin to send: it goes when the other one expects it. The message before must have gone first.

        Raises BadInput where there is nothing to send, for the other one waits for it.
        """
        if message is None:
            raise BadInput(
                "a block does not use what the block below it shows, and the process of that one waits for a costate; "
                "allowed: such a net in one process"
            )
        if self._sent is None:
            self._sent = tuple(message.shape), message.stride()
            head = torch.zeros(1 + 2 * DIMENSIONS, dtype=torch.int64)
            head[: 1 + 2 * message.dim()] = torch.tensor([message.dim(), *message.shape, *message.stride()])
            self._sending.append((self._world.send(head, self._rank), head))
        else:
            self._world.wait(*(work for work, _ in self._sending))
            self._sending.clear()
        if message.stride() != self._sent[1]:
            message = torch.empty_strided(*self._sent, dtype=message.dtype, device=message.device).copy_(message)
        message = _flat(message)
        self._sending.append((self._world.send(message, self._rank), message))

    def expect(self) -> None:
        """Begin to receive, so that the message comes in while this process computes."""
        if self._coming is not None:
            message = torch.empty_strided(*self._coming, dtype=self._like.dtype, device=self._like.device)
            self._expected = self._world.receive(_flat(message), self._rank), message

    def receive(self) -> Tensor:
        """Return the next message."""
        if self._coming is None:
            head = torch.zeros(1 + 2 * DIMENSIONS, dtype=torch.int64)
            self._world.wait(self._world.receive(head, self._rank))
            count = int(head[0])
            self._coming = tuple(head[1 : 1 + count].tolist()), tuple(head[1 + count : 1 + 2 * count].tolist())
        if self._expected is None:
            self.expect()
        assert self._expected is not None
        (work, message), self._expected = self._expected, None
        self._world.wait(work)
        return message
