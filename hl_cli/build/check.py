"""Whether a user's stream keeps the contract, told before a run instead of by an error in the middle of it."""

from __future__ import annotations

import contextlib
import dataclasses
import operator
from collections.abc import Callable
from itertools import islice

import torch

from hl_cli.errors import BadInput
from hl_cli.streams.base import Stream, as_sample
from hl_cli.types import KINDS, TARGETS, Sample, Task

WHOLE = {"ticks": 1, "features": 1, "period": 0, "blend": 0, "length": 0, "train_samples": 0}  # and the least of each


def with_whole_numbers(stream: Stream, where: str) -> Stream:
    """Turn the whole numbers that a stream says of itself, of NumPy or others, into ints; raises BadInput."""
    for name, least in WHOLE.items():
        value = getattr(stream, name, None)
        if value is None and name not in ("ticks", "features"):
            continue
        try:
            number = operator.index(value)  # type: ignore[arg-type]
        except TypeError:
            number = least - 1
        if number < least:
            raise BadInput(f"{where}: its {name} is {value}; allowed: a whole number >= {least}")
        if type(value) is not int:
            with contextlib.suppress(AttributeError):  # a property of the user's, that cannot be set
                setattr(stream, name, number)
    task = getattr(stream, "task", None)
    if isinstance(task, Task) and type(task.size) is not int:
        with contextlib.suppress(TypeError):  # no whole number: check_stream will say so
            stream.task = dataclasses.replace(task, size=operator.index(task.size))
    return stream


def check_stream(fresh: Callable[[], Stream], batch_size: int, dtype: torch.dtype, where: str) -> None:
    """Look at the held-out part and the first two samples of a stream made for this alone; raises BadInput."""
    stream = fresh()

    def refuse(what: str, allowed: str) -> BadInput:
        return BadInput(f"{where}: {what}; allowed: {allowed}")

    task = getattr(stream, "task", None)
    known = isinstance(task, Task) and task.kind in KINDS and task.targets in TARGETS and isinstance(task.size, int)
    if not known or stream.task.size < 1:
        raise refuse(f"its task is {task}", f"Task(kind, size, targets) of kind {KINDS}, targets {TARGETS}, size >= 1")
    try:
        held_out, first = stream.held_out(), as_sample(next(stream))
        kept = first.inputs.clone()
        second = next(islice(stream, 1), None)
    except StopIteration:
        raise refuse("it gives no sample", "at least one") from None
    except BadInput as error:
        raise BadInput(f"{where}: {error}") from error
    except Exception as error:
        line = " ".join(str(error).split())
        raise refuse(
            f"{type(error).__name__}: {line}", "a stream that works (HYDRA_FULL_ERROR=1 shows where)"
        ) from error
    if not isinstance(held_out, Sample):
        raise refuse(f"its held-out part is a {type(held_out).__name__}", "a hl_cli.Sample")
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
    task, rows = stream.task, size * (stream.ticks if stream.task.targets == "all" else 1)
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
