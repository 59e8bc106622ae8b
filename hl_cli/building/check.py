"""Whether a user's stream keeps the contract, told before a run instead of by an error in the middle of it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

import torch

from hl_cli.errors import BadInput
from hl_cli.streams.base import Stream
from hl_cli.types import COUNTS, KINDS, Sample, Task


def check_stream(fresh: Callable[[], Stream], batch_size: int, dtype: torch.dtype, where: str) -> None:
    """Look at the held-out part and the first two samples of a stream made for this alone; raises BadInput."""
    stream = fresh()

    def refuse(what: str, allowed: str) -> BadInput:
        return BadInput(f"{where}: {what}; allowed: {allowed}")

    task = getattr(stream, "task", None)
    if not isinstance(task, Task) or task.kind not in KINDS or task.counts not in COUNTS or task.size < 1:
        raise refuse(f"its task is {task}", f"Task(kind, size, counts) of kind {KINDS}, counts {COUNTS}, size >= 1")
    for name in ("ticks", "features"):
        if not isinstance(getattr(stream, name, None), int) or getattr(stream, name) < 1:
            raise refuse(f"its {name} is {getattr(stream, name, None)}", "a whole number >= 1")
    try:
        held_out = stream.held_out()
        first = next(stream)
        kept = first.inputs.clone()
        second = next(islice(stream, 1), None)
    except StopIteration:
        raise refuse("it gives no sample", "at least one") from None
    except BadInput:
        raise
    except Exception as error:
        line = " ".join(str(error).split())
        raise refuse(
            f"{type(error).__name__}: {line}", "a stream that works (HYDRA_FULL_ERROR=1 shows where)"
        ) from error
    if not len(held_out.inputs) or held_out.target is None:
        raise refuse("nothing is held out, or without a target", "at least one held-out sample with its target")
    for name, sample, size in (("held-out part", held_out, None), ("first sample", first, batch_size)):
        fault = _fault(sample, size, stream, dtype)
        if fault:
            raise refuse(f"its {name}: {fault[0]}", fault[1])
    if first.target is not None and (first.baseline is None) != (held_out.baseline is None):
        raise refuse("only one of samples and held-out part has a baseline", "both, or none")
    if second is not None and not torch.equal(first.inputs, kept):
        raise refuse("the next sample changed the one before", "new tensors for each sample: samples are read ahead")


def _fault(sample: Sample, size: int | None, stream: Stream, dtype: torch.dtype) -> tuple[str, str] | None:
    """What is wrong with a sample, and what is allowed."""
    size = len(sample.inputs) if size is None else size
    shape = (size, stream.ticks, stream.features)
    if tuple(sample.inputs.shape) != shape or sample.inputs.dtype != dtype:
        return (
            f"inputs of {tuple(sample.inputs.shape)}, {sample.inputs.dtype}",
            f"{shape} (batch, ticks, features), {dtype}",
        )
    if sample.target is None:
        return None
    task, rows = stream.task, size * (stream.ticks if stream.task.counts == "every" else 1)
    wanted, kind = ((rows,), torch.int64) if task.kind == "classes" else ((rows, task.size), dtype)
    for name, part in (("target", sample.target), ("baseline", sample.baseline)):
        if part is not None and (tuple(part.shape) != wanted or part.dtype != kind):
            return f"{name} of {tuple(part.shape)}, {part.dtype}", f"{wanted}, {kind}"
    if task.kind == "classes" and not 0 <= int(sample.target.min()) <= int(sample.target.max()) < task.size:
        return "class numbers out of range", f"0 to {task.size - 1}"
    for name, part in (("inputs", sample.inputs), ("target", sample.target)):
        if part.is_floating_point() and not bool(torch.isfinite(part).all()):
            return f"{name} with values that are not finite", "finite numbers"
    return None
