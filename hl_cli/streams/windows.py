"""Streams that slide a window over one long sequence, read or generated piece by piece and never kept as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

from hl_cli.streams.base import Stream
from hl_cli.streams.rows import Rows, cut, cut_all, cut_each, joined
from hl_cli.types import Sample, Task

PIECE = 4096  # rows that a source should give at once


class Source(Protocol):
    """Gives the rows of a sequence piece by piece, on the CPU; the same pieces again from the same state."""

    def __next__(self) -> Rows: ...

    def state_dict(self) -> dict[str, Any]:
        """Where the next piece begins."""
        ...

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go to where state_dict was taken."""
        ...


class Windows(Stream):
    """Windows over a source. held_out: rows that the source does not give; name, origin, licence: for the report.

    timed: whether the rows of the source have times.
    """

    timed = False

    def __init__(
        self,
        source: Source,
        held_out: Rows,
        task: Task,
        ticks: int,
        batch_size: int = 1,
        dtype: torch.dtype = torch.float32,
        device: str = "cpu",
    ) -> None:
        self.task, self.ticks, self.features = task, ticks, held_out.inputs.shape[1]
        self._source, self._batch_size, self._dtype, self._device = source, batch_size, dtype, device
        self._stride = ticks if task.targets == "all" else 1
        self.overlapping = self._stride < ticks
        scales = set() if held_out.units is None else set(held_out.units[:, 0].tolist())
        self.spread = scales.pop() if len(scales) == 1 else None
        self._span = (batch_size - 1) * self._stride + ticks  # rows of a batch
        self._labelled = False
        self._held_out = cut_all(self._placed(held_out), ticks, task)
        self._pieces: list[tuple[dict[str, Any], int]] = []  # where each piece in the buffer begins, and its length
        self._buffer: Rows | None = None
        self._index, self._end = 0, 0  # first row of the next batch, and all rows, in the buffer

    def _placed(self, rows: Rows) -> Rows:
        """On the run's device, real numbers in its dtype; without units where nobody asked for them."""

        def there(p: Tensor) -> Tensor:
            return p.to(self._device, self._dtype if p.is_floating_point() else p.dtype)

        baseline = None if rows.baseline is None else there(rows.baseline)
        units = (rows.units, rows.times) if self._labelled else ()
        return Rows(there(rows.inputs), there(rows.target), baseline, *units)

    def _read(self) -> None:
        """Drop the pieces that are behind, and add one."""
        while self._pieces and self._index >= self._pieces[0][1]:
            _, length = self._pieces.pop(0)
            self._index, self._end = self._index - length, self._end - length
            assert self._buffer is not None
            self._buffer = self._buffer.only(slice(length, None))
        mark = self._source.state_dict()
        piece = self._placed(next(self._source))
        self._buffer = piece if self._buffer is None else joined(self._buffer, piece)
        self._pieces.append((mark, len(piece.inputs)))
        self._end = len(self._buffer.inputs)

    def _fill(self) -> Rows:
        """The buffer with a batch at least."""
        while self._index + self._span > self._end:
            self._read()
        assert self._buffer is not None
        return self._buffer

    def __next__(self) -> Sample:
        sample = cut(self._fill(), self.ticks, self.task, self._batch_size, self._index)
        self._index += self._batch_size * self._stride
        return sample

    def take(self, count: int) -> Sequence[Sample]:
        """All that lie in the buffer, each as `cut` makes it."""
        rows, stride = self._fill(), self._batch_size * self._stride
        if rows.units is not None:
            return [next(self)]
        here = min(count, (self._end - self._index - self._span) // stride + 1)
        found = cut_each(rows, self.ticks, self.task, self._batch_size, self._index, here)
        self._index += here * stride
        return found

    def label(self) -> bool:
        """With the units and times that the source gives."""
        self._labelled = True
        return self.timed

    def held_out(self) -> Sample:
        """All windows of the rows held out, as one batch."""
        return self._held_out

    def state_dict(self) -> dict[str, Any]:
        """Where the oldest piece in the buffer begins, and the row in it that comes next."""
        index, k = self._index, 0
        while k < len(self._pieces) and index >= self._pieces[k][1]:
            index -= self._pieces[k][1]
            k += 1
        return {"source": self._pieces[k][0] if k < len(self._pieces) else self._source.state_dict(), "row": index}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Read again from there."""
        self._source.load_state_dict(state["source"])
        self._pieces, self._buffer = [], None
        self._index, self._end = state["row"], 0
