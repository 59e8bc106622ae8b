"""The samples of a stream as the training loop takes them: each is looked at before any learner sees it.

Shapes and types of every sample are held to those of the first, which `hl_cli.build.check` has looked at. The class
numbers of a whole list of samples are looked at together, so that a sample costs next to nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from hl_cli.errors import BadInput, BadSample
from hl_cli.streams.base import Stream, as_sample
from hl_cli.streams.samples import Samples, chained
from hl_cli.types import Sample, Task

Form = tuple[Any, ...]


class Given:
    """taken: how many samples of the stream were taken before, so that the next one is of step taken + 1.

    fault: the first sample that no learner can take, or the error of a stream that failed. The stream ends before it.
    """

    def __init__(self, stream: Stream, task: Task, taken: int = 0) -> None:
        self._stream, self._task, self._taken = stream, task, taken
        self._inputs: Form = ()
        self._target: Form = ()
        self._like: Sample | None = None
        self.fault: BadSample | None = None

    def one(self) -> Sample | None:
        """The next sample, None where there is none."""
        return next(iter(self.some(1)), None)

    def some(self, count: int) -> Sequence[Sample]:
        """So many samples, fewer where the stream ends, or where one of them is not as it should be."""
        parts: list[Sequence[Sample]] = []
        had = 0
        while had < count and self.fault is None:
            try:
                part = self._stream.take(count - had)
                if isinstance(part, Samples):
                    part.check()
                sample = as_sample(part[0])
                if not self._same_form(sample):
                    self._look(sample)
            except StopIteration:
                break
            except Exception as error:
                self._refuse(had, error)
                break
            parts.append(part if isinstance(part, Samples) else [sample, *part[1:]])
            had += len(part)
        found = self._in_range(chained(parts) if parts else [])
        self._taken += len(found)
        return found

    def raise_fault(self) -> None:
        """Raise the fault, if there is one."""
        if self.fault is not None:
            raise self.fault

    def _refuse(self, place: int, error: Exception) -> None:
        said = " ".join(str(error).split())
        if not isinstance(error, BadInput):
            said = f"{type(error).__name__}: {said} (HYDRA_FULL_ERROR=1 shows where)"
        self.fault = BadSample(f"stream {self._stream.name}, step {self._taken + place + 1}: {said}")
        self.fault.__cause__ = error

    def _same_form(self, sample: Sample) -> bool:
        """Whether types, shapes and dtypes are those of the sample before."""
        x, t, like = sample.inputs, sample.target, self._like
        return (
            like is not None
            and type(x) is Tensor
            and (x.shape, x.dtype) == self._inputs
            and (t is None or (type(t) is Tensor and (t.shape, t.dtype) == self._target))
            and (sample.baseline is None) is (like.baseline is None)
        )

    def _look(self, sample: Sample) -> None:
        """Hold the form of a sample to that of the first; raises BadInput. Batches may be of another size."""
        x, t = sample.inputs, sample.target
        for name, part in (("inputs", x), ("target", t), ("baseline", sample.baseline)):
            if part is not None and not isinstance(part, Tensor):
                raise BadInput(f"its {name} are a {type(part).__name__}; allowed: a tensor")
        like = self._like or sample
        rows = _rows(like)
        self._hold("inputs", x, (len(x) if x.dim() else 0, *like.inputs.shape[1:]), like.inputs.dtype)
        if t is not None and like.target is not None:
            self._hold("target", t, (len(x) * rows, *like.target.shape[1:]), like.target.dtype)
            if (sample.baseline is None) is not (like.baseline is None):
                raise BadInput("only some samples have a baseline; allowed: all, or none")
        if like.target is None or t is not None:
            self._like = sample if like.target is None else like
            self._inputs, self._target = (x.shape, x.dtype), () if t is None else (t.shape, t.dtype)

    @staticmethod
    def _hold(name: str, part: Tensor, shape: tuple[int, ...], dtype: torch.dtype) -> None:
        if tuple(part.shape) != shape or part.dtype != dtype:
            raise BadInput(f"{name} of {tuple(part.shape)}, {part.dtype}; allowed: {shape}, {dtype}")

    def _in_range(self, found: Sequence[Sample]) -> Sequence[Sample]:
        """Those before the first with a class that the task does not have."""
        if self._task.kind != "classes":
            return found
        targets = [found.target] if isinstance(found, Samples) else [s.target for s in found if s.target is not None]
        if not targets or _all_classes(torch.cat(targets), self._task.size):
            return found
        first = next(
            k for k, s in enumerate(found) if s.target is not None and not _all_classes(s.target, self._task.size)
        )
        wrong = next(c for c in found[first].target.flatten().tolist() if not 0 <= c < self._task.size)  # type: ignore[union-attr]
        self._refuse(first, BadInput(f"class {wrong}; allowed: 0 to {self._task.size - 1}"))
        return found[:first]


def _rows(sample: Sample) -> int:
    """Rows of the target a sample of the batch."""
    return 1 if sample.target is None else len(sample.target) // max(1, len(sample.inputs))


def _all_classes(target: Tensor, size: int) -> bool:
    low, high = torch.aminmax(target)
    return int(low) >= 0 and int(high) < size
