"""The processes of a run. Rank 0 leads: it has the config, the PyTorch arm and the files; the others follow.

Started as `torchrun --nproc-per-node N -m hl_cli ...`; without torchrun a process is alone, and every method here is
then a matter of course that costs nothing. All ranks call the same methods in the same order.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from time import perf_counter
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from hl_cli.errors import BadInput, LostRank
from hl_cli.parallel.command import Command
from hl_cli.parallel.heartbeat import Heartbeat

PATIENCE = timedelta(days=30)  # a rank may wait as long as another computes; one that dies is noticed at once


class World:
    """rank, size: which process of how many; waited: seconds of waiting for others; lost: whether one has gone.

    owed: steps that were announced and not yet taken; in between nothing else may be said.
    """

    def __init__(self, rank: int = 0, size: int = 1, store: Any = None, keeper: int | None = None) -> None:
        """Without more, a process alone; hl_cli.parallel.rendezvous makes the others. store: kept by keeper."""
        self.rank, self.size = rank, size
        self.waited, self.lost, self.owed = 0.0, False, 0
        self._channel: Any = None
        self._heartbeat = None if store is None else Heartbeat(store.clone(), rank, size, keeper)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Time what happens inside, and turn the error of a connection into LostRank, naming who is missing."""
        start = perf_counter()
        try:
            yield
        except LostRank:
            raise
        except RuntimeError as error:
            self.lost = True
            said = " ".join(str(error).split())
            raise LostRank(self._heartbeat.missing(said) if self._heartbeat else said) from error
        finally:
            self.waited += perf_counter() - start

    def lead(self, order: Command, steps: int = 0) -> None:
        """Rank 0: tell the others what comes next."""
        if self.size > 1:
            with self.waiting():
                dist.broadcast(torch.tensor([order, steps]), 0)

    def enlist(self, cfg: Any, made_with: Any = None) -> None:
        """Rank 0: let the others build what this config says; raises BadInput where one of them cannot.

        made_with: versions and digests of rank 0 (hl_cli.runs.provenance), which the others hold to their own.
        """
        try:
            self.broadcast((cfg, made_with or {}))
            self.open_channel()
            faults = [fault for fault in self.gather_objects(None) if fault]
            wrong = self.agree(bool(faults))
        except BaseException:
            self._break_off()
            raise
        if wrong:
            raise BadInput(faults[0])

    def _break_off(self) -> None:
        """Rank 0: the others wait within something, so that nothing more can be said to them."""
        if self.size > 1 and not self.lost:
            self.lost = True
            self.leave("rank 0, which broke off")

    def open_channel(self) -> None:
        """Begin anew between neighbours: what an earlier run sent and nobody received never reaches this one."""
        if self.size > 1:
            with self.waiting():
                self._channel = dist.new_group(timeout=PATIENCE)

    @contextmanager
    def leading(self) -> Iterator[None]:
        """Rank 0: tell the others when its run has ended; one that breaks off within a step can only leave them.

        Who has gone by then is not missed: the run is over, and its files are written.
        """
        try:
            yield
        finally:
            if self.owed:
                self._break_off()
            elif not self.lost:
                with suppress(LostRank):
                    self.lead(Command.END)

    def follow(self) -> tuple[Command, int]:
        """Another rank: wait until told; the number is of steps."""
        said = torch.zeros(2, dtype=torch.int64)
        with self.waiting():
            dist.broadcast(said, 0)
        return Command(int(said[0])), int(said[1])

    def agree(self, fault: int) -> int:
        """Return the largest number that any rank says; 0 when all say that nothing is wrong."""
        if self.size == 1:
            return fault
        said = torch.tensor(fault)
        with self.waiting():
            dist.all_reduce(said, dist.ReduceOp.MAX)
        return int(said)

    def broadcast(self, content: Any = None) -> Any:
        """Give an object of rank 0 to all."""
        if self.size == 1:
            return content
        box = [content]
        with self.waiting():
            dist.broadcast_object_list(box, 0)
        return box[0]

    def gather_objects(self, content: Any) -> list[Any]:
        """Bring the objects of all ranks to rank 0, in their order; the others get an empty list."""
        if self.size == 1:
            return [content]
        found: list[Any] | None = [None] * self.size if self.rank == 0 else None
        with self.waiting():
            dist.gather_object(content, found, 0)
        return found or []

    def mean_of(self, value: float) -> float:
        """Return the mean of a number over the ranks; it is not finite where one of them is not."""
        said = torch.tensor(value, dtype=torch.float64)
        self.mean(said)
        return float(said)

    def mean(self, flat: Tensor) -> None:
        """Replace a tensor by its mean over the ranks, the same bits in all of them."""
        if self.size > 1:
            with self.waiting():
                dist.all_reduce(flat)
            flat.div_(self.size)

    def gather(self, mine: Tensor) -> Tensor | None:
        """Put the rows of all ranks, of the same number, below one another; for rank 0 alone."""
        if self.size == 1:
            return mine
        rows = [torch.empty_like(mine) for _ in range(self.size)] if self.rank == 0 else None
        with self.waiting():
            dist.gather(mine.contiguous(), rows, 0)
        return torch.cat(rows) if rows else None

    def send(self, message: Tensor, to: int) -> dist.Work:
        """Begin to send; the message must stay as it is until the work is waited for."""
        with self.waiting():
            work = dist.isend(message, to, group=self._channel)
            assert work is not None
            return work

    def receive(self, message: Tensor, source: int) -> dist.Work:
        """Begin to receive into a tensor."""
        with self.waiting():
            work = dist.irecv(message, source, group=self._channel)
            assert work is not None
            return work

    def wait(self, *works: dist.Work | None) -> None:
        """Let what was begun come to its end."""
        with self.waiting():
            for work in works:
                if work is not None:
                    work.wait()

    def leave(self, reason: str) -> None:
        """Let the others know why this process cannot go on."""
        if self._heartbeat is not None:
            self._heartbeat.leave(reason)

    def close(self) -> None:
        """Leave, one thing after the other: the threads first, then the connections; nothing may be sent any more."""
        if self._heartbeat is not None:
            if not self._heartbeat.stop():
                self.lost = True  # the store gives no answer: whoever leaves does so without Python's end
            self._channel = None
            if not self.lost:
                dist.destroy_process_group()
            self.size, self._heartbeat = 1, None
