"""Streams that change over time: tasks one after the other, at once or gradually, once or again and again."""

from __future__ import annotations

import random
from typing import Any

import torch

from hl_cli.errors import BadInput
from hl_cli.streams.base import Stream
from hl_cli.streams.shuffled import Shuffled, shuffled
from hl_cli.types import Sample


class Permuted(Stream):
    """A stream whose inputs are put into another order, the same for all samples; order 0 is their own.

    All ticks * features of a sample change places. number: which order; it is drawn from (seed, number).
    """

    def __init__(self, base: Stream, seed: int, number: int) -> None:
        self.base, self.ticks, self.features, self.task = base, base.ticks, base.features, base.task
        self.origin, self.licence, self.files = base.origin, base.licence, base.files
        self.length, self.train_samples, self.image = base.length, base.train_samples, base.image
        size = base.ticks * base.features
        self._order = shuffled(size, seed, 2, number) if number else torch.arange(size)

    def _permute(self, sample: Sample) -> Sample:
        x = sample.inputs
        if self._order.device != x.device:
            self._order = self._order.to(x.device)
        return sample._replace(inputs=x.flatten(1).index_select(1, self._order).view_as(x))

    def __next__(self) -> Sample:
        return self._permute(next(self.base))

    def label(self) -> bool:
        """As the stream below."""
        return self.base.label()

    def held_out(self) -> Sample:
        """The held-out samples in the same order."""
        return self._permute(self.base.held_out())

    def state_dict(self) -> dict[str, Any]:
        """Where the stream below is."""
        return self.base.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go to where state_dict was taken."""
        self.base.load_state_dict(state)


def by_class(base: Stream, classes_per_task: int) -> dict[str, Stream]:
    """Cut a set of samples into tasks of some classes each, in the order of their numbers."""
    if not isinstance(base, Shuffled) or base.task.kind != "classes":
        raise BadInput("stream.change=classes: allowed: over a table or images, whose classes are known beforehand")
    tasks: dict[str, Stream] = {}
    for first in range(0, base.task.size, classes_per_task):
        classes = torch.arange(first, min(first + classes_per_task, base.task.size))
        name = f"class {first}" if len(classes) == 1 else f"classes {first}-{int(classes[-1])}"
        tasks[name] = part = base.of_classes(classes)
        if not part.train_samples or not len(part.held_out().inputs):
            raise BadInput(f"stream.change=classes: {name} has no samples to train on, or none held out")
    return tasks


def _shape(stream: Stream) -> str:
    task = stream.task
    return f"{stream.ticks} x {stream.features} inputs and asks for {task.size} {task.kind} at the {task.targets} tick"


class Drift(Stream):
    """One stream made of tasks, each `period` batches long; all must have the same shape and ask the same.

    blend: in the last so many batches of a task the next one is drawn more and more often; 0: the change is abrupt.
    recurring: after the last task the first comes again; otherwise the last one stays. A batch is of one task.
    """

    def __init__(
        self, tasks: dict[str, Stream], period: int, blend: int = 0, recurring: bool = False, seed: int = 0
    ) -> None:
        if not 0 <= blend < period:
            raise BadInput(f"stream.blend={blend}: allowed: 0 up to {period - 1}, below stream.period={period}")
        self.tasks, self.period, self.blend, self.recurring = tasks, period, blend, recurring
        self._streams, self._seed, self._given = list(tasks.values()), seed, 0
        first = self._streams[0]
        self.ticks, self.features, self.task, self.image = first.ticks, first.features, first.task, first.image
        for name, other in tasks.items():
            if (first.ticks, first.features, first.task) != (other.ticks, other.features, other.task):
                raise BadInput(
                    f"stream.streams: {name} gives {_shape(other)}, the first one {_shape(first)}; "
                    "allowed: streams of one shape"
                )
            self.image = self.image if other.image == self.image else None
        how = f"{len(tasks)} tasks of {period} steps, {f'blending over {blend}' if blend else 'abrupt'}"
        again = ", again and again" if recurring else ""
        self.origin = f"{how}{again}: {'; '.join(dict.fromkeys(s.origin for s in self._streams))}"
        self.licence = "; ".join(dict.fromkeys(s.licence for s in self._streams))
        self.files = tuple(dict.fromkeys(file for s in self._streams for file in s.files))
        counts = [s.train_samples for s in self._streams]
        self.train_samples = None if None in counts else sum(c for c in counts if c is not None)
        self.overlapping = any(s.overlapping for s in self._streams)
        self._held_out: Sample | None = None

    def _at(self, period: int) -> int:
        """Which task a period is of."""
        return period % len(self._streams) if self.recurring else min(period, len(self._streams) - 1)

    def current_task(self) -> str | None:
        """The task of the period of the last batch, also where the next one has begun to blend in."""
        return list(self.tasks)[self._at((self._given - 1) // self.period)] if self._given else None

    def _next(self) -> int:
        """Which task gives the next batch."""
        number, offset = divmod(self._given, self.period)
        over = offset - (self.period - self.blend) + 1
        if over > 0 and random.Random((self._seed << 64) | self._given).random() < over / (self.blend + 1):
            number += 1
        return self._at(number)

    def __next__(self) -> Sample:
        sample = next(self._streams[self._next()])
        self._given += 1
        return sample

    def label(self) -> bool:
        """As the streams below."""
        timed = [stream.label() for stream in self._streams]  # each is to be told
        return any(timed)

    def held_out(self) -> Sample:
        """The held-out samples of all tasks together."""
        if self._held_out is None:
            parts = list(self.held_out_tasks().values())
            inputs, targets, baselines, _ = zip(*parts, strict=True)
            baseline = None if any(b is None for b in baselines) else torch.cat(baselines)
            self._held_out = Sample(torch.cat(inputs), torch.cat(targets), baseline)
        return self._held_out

    def held_out_tasks(self) -> dict[str, Sample]:
        """The held-out samples of each task."""
        return {name: task.held_out() for name, task in self.tasks.items()}

    def state_dict(self) -> dict[str, Any]:
        """How many batches were given, and where each task's stream is."""
        return {"given": self._given, "tasks": [s.state_dict() for s in self._streams]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go to where state_dict was taken."""
        self._given = state["given"]
        for stream, where in zip(self._streams, state["tasks"], strict=True):
            stream.load_state_dict(where)
