"""Any iterable of samples as a stream: a list, a generator, a torch.utils.data.DataLoader.

What is lost: an iterable does not say where it is, so a run on one has no checkpoints, and resume= begins it again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sized
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from hl_cli.errors import BadInput
from hl_cli.streams.base import Stream, as_sample
from hl_cli.types import Sample, Task

HELD_OUT = 500  # rows, at most, where they are taken from the samples


class IterableStream(Stream):
    """samples: an iterable of (inputs, target), or of Samples; each is a batch, or one row.

    inputs: (batch, features), (batch, ticks, features), images (batch, channels, height, width), or one row
    (features,). target: whole numbers for classes, others for values; with a dimension of ticks after that of the
    batch, every tick counts. task: what is asked; by default it follows from the held-out targets. held_out: an
    iterable of the same kind, read once; samples are then gone through again and again, if they can be. Without it the
    first samples are held out (a fifth where there is a length, at most 500 rows), and the rest is gone through once.
    A batch of fewer rows than the first is left out. Random numbers that torch draws meanwhile, as for the order of a
    DataLoader, follow from the seed.

    Raises BadInput for what is no sample, and for an iterable that gives none.
    """

    origin = "an iterable of your own"

    def __init__(
        self,
        samples: Iterable[Any],
        task: Task | None = None,
        held_out: Iterable[Any] | None = None,
        seed: int = 0,
        dtype: torch.dtype = torch.float32,
        device: str = "cpu",
    ) -> None:
        self._samples, self._dtype, self._device, self._kind = samples, dtype, device, task and task.kind
        self._dice = torch.Generator().manual_seed(seed).get_state()
        self._again = held_out is not None and not isinstance(samples, Iterator)
        self._size = 0  # rows of a batch
        with self._own_dice():
            self._running = iter(samples)
            kept = self._first() if held_out is None else [self._placed(given) for given in held_out]
        if not kept:
            raise BadInput("it gives no sample to hold out; allowed: at least one")
        targets = [sample.target for sample in kept if sample.target is not None]
        if len(targets) < len(kept):
            raise BadInput("a held-out sample has no target; allowed: targets for all of them")
        baselines = [sample.baseline for sample in kept if sample.baseline is not None]
        inputs, baseline = [sample.inputs for sample in kept], torch.cat(baselines) if baselines else None
        self._held_out = Sample(torch.cat(inputs), torch.cat(targets), baseline)
        self.ticks, self.features = self._held_out.inputs.shape[1:]
        self.task = task or self._task(targets)

    @contextmanager
    def _own_dice(self) -> Iterator[None]:
        outside = torch.get_rng_state()
        torch.set_rng_state(self._dice)
        try:
            yield
        finally:
            self._dice = torch.get_rng_state()
            torch.set_rng_state(outside)

    def _first(self) -> list[Sample]:
        """The first samples of those that are gone through once."""
        most = max(1, len(self._samples) // 5) if isinstance(self._samples, Sized) else HELD_OUT
        found: list[Sample] = []
        while len(found) < most and sum(len(sample.inputs) for sample in found) < HELD_OUT:
            given = next(self._running, None)
            if given is None and found:
                raise BadInput(
                    f"it has {len(found)} samples, which are held out; allowed: more of them, a list, or "
                    "hl_cli.IterableStream(samples, held_out=others)"
                )
            if given is None:
                break
            found.append(self._placed(given))
        return found

    def _task(self, targets: list[Tensor]) -> Task:
        target = torch.cat(targets)
        asked = "last" if len(target) == len(self._held_out.inputs) else "all"
        if target.is_floating_point():
            return Task("values", target.shape[1], asked)
        return Task("classes", max(2, int(target.max()) + 1), asked)

    def _placed(self, given: Any) -> Sample:
        """A sample of what the iterable gave, in the shapes of hl_cli.types."""
        sample = as_sample(given)
        try:
            x, t = torch.as_tensor(sample.inputs), None if sample.target is None else torch.as_tensor(sample.target)
        except (TypeError, ValueError, RuntimeError) as error:
            raise BadInput(f"a sample that is not of numbers ({error}); allowed: tensors and arrays") from error
        if type(given) is Sample:
            return sample._replace(inputs=x.to(self._device, self._dtype), target=self._numbers(t))
        if x.dim() < 2:
            x, t = x.reshape(1, -1), None if t is None else t.unsqueeze(0)
        if x.dim() > 3:
            self.image = (x.shape[1], x.shape[2], x.shape[3]) if x.dim() == 4 else None
            x = x.flatten(1)
        x = x.unsqueeze(1) if x.dim() == 2 else x
        t = self._numbers(t)
        if t is not None and t.is_floating_point():
            t = t.unsqueeze(1) if t.dim() == 1 else t.flatten(0, -2)
        return Sample(x.to(self._device, self._dtype), t if t is None or t.is_floating_point() else t.flatten())

    def _numbers(self, target: Tensor | None) -> Tensor | None:
        """Classes as int64, values in the run's dtype."""
        if target is None:
            return None
        values = target.is_floating_point() or self._kind == "values"
        return target.to(self._device, self._dtype if values else torch.int64)

    def __next__(self) -> Sample:
        while True:
            with self._own_dice():
                sample = self._placed(self._following())
            self._size = self._size or len(sample.inputs)
            if len(sample.inputs) >= self._size:
                return sample

    def _following(self) -> Any:
        try:
            return next(self._running)
        except StopIteration:
            if not self._again:
                raise
        self._running = iter(self._samples)
        return next(self._running)

    def held_out(self) -> Sample:
        """All held-out rows as one batch."""
        return self._held_out

    def state_dict(self) -> dict[str, Any]:
        """An iterable has none."""
        raise NotImplementedError("an iterable does not say where it is: a hl_cli.Stream with state_dict does")
