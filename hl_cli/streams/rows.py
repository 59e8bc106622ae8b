"""Rows of a sequence, and the windows over them: samples that are views of the rows, one by one or many at once.

A row t of the sequence has what a net sees at tick t and the target that counts there. A sample is `ticks` rows in
their order. Where the last tick counts the window moves on by one row; where every tick counts, by `ticks` rows, so
that each row counts once. A batch is that many consecutive windows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from hl_cli.streams.samples import Samples
from hl_cli.types import Sample, Task, Units


class Rows(NamedTuple):
    """Consecutive rows. inputs: (n, features); target: (n,) or (n, size); baseline: as target, or None.

    units: (n, 2), float64, scale and shift of each target where it is not in units of its own: y scale + shift is;
    times: n labels, of the moments that the targets are of, or none.
    """

    inputs: Tensor
    target: Tensor
    baseline: Tensor | None = None
    units: Tensor | None = None
    times: Sequence[str] = ()

    def only(self, part: slice) -> Rows:
        """Some of them."""
        baseline, units = (None if p is None else p[part] for p in (self.baseline, self.units))
        return Rows(self.inputs[part], self.target[part], baseline, units, self.times[part])


def joined(first: Rows, then: Rows) -> Rows:
    """One after the other."""
    baseline, units = (
        None if a is None or b is None else torch.cat((a, b))
        for a, b in ((first.baseline, then.baseline), (first.units, then.units))
    )
    inputs, target = torch.cat((first.inputs, then.inputs)), torch.cat((first.target, then.target))
    return Rows(inputs, target, baseline, units, [*first.times, *then.times])


def cut(rows: Rows, ticks: int, task: Task, count: int, start: int = 0) -> Sample:
    """Make `count` windows of the rows from `start` on: one batch."""
    every = task.targets == "all"
    stride = ticks if every else 1
    end = start + (count - 1) * stride + ticks
    x = rows.inputs[start:end]
    if count == 1:
        inputs = x.unsqueeze(0)
    elif every:
        inputs = x.view(count, ticks, -1)
    else:
        inputs = x.unfold(0, ticks, 1).transpose(1, 2).contiguous()
    counted = slice(start if every else start + ticks - 1, end)
    baseline = None if rows.baseline is None else rows.baseline[counted]
    return Sample(inputs, rows.target[counted], baseline, _units(rows, counted))


def cut_each(rows: Rows, ticks: int, task: Task, count: int, start: int, batches: int) -> Samples:
    """So many batches one after the other, each as `cut` makes it, of rows without units."""
    every = task.targets == "all"
    stride = ticks if every else 1
    step, span = count * stride, (count - 1) * stride + ticks
    x, (row, column) = rows.inputs, rows.inputs.stride()
    size, places = (batches, count, ticks, x.shape[1]), (step * row, ticks * row if count == 1 else stride * row)
    inputs = x.as_strided(size, (*places, row, column), x.storage_offset() + start * row)
    if count > 1 and not every:
        inputs = inputs.contiguous()
    first = start if every else start + ticks - 1
    where = (first, batches, step, start + span - first)
    baseline = None if rows.baseline is None else _slices(rows.baseline, *where)
    return Samples(inputs, _slices(rows.target, *where), baseline)


def _slices(part: Tensor, first: int, count: int, step: int, length: int) -> Tensor:
    """part[k : k + length] for `count` places k, from `first` on with `step` between them."""
    row, *others = part.stride()
    size, places = (count, length, *part.shape[1:]), (step * row, row, *others)
    return part.as_strided(size, places, part.storage_offset() + first * row)


def _units(rows: Rows, counted: slice) -> Units | None:
    if rows.units is None:
        return None
    units = rows.units[counted]
    return units[:, :1], units[:, 1:], list(rows.times[counted])


def cut_all(rows: Rows, ticks: int, task: Task) -> Sample:
    """Make all windows of the rows; there must be at least one. Where they overlap, they share the rows' memory."""
    if task.targets == "all":
        return cut(rows, ticks, task, len(rows.inputs) // ticks)
    last = slice(ticks - 1, None)
    baseline = None if rows.baseline is None else rows.baseline[last]
    return Sample(rows.inputs.unfold(0, ticks, 1).transpose(1, 2), rows.target[last], baseline)
