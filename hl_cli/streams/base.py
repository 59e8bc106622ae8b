"""The contract of a stream: samples in an order fixed by the seed, resumable at any sample, with a held-out part.

Your own stream is a subclass of Stream with ticks, features, task, and the four methods that raise here. Samples are
read ahead, and both learners see the same tensors: give new ones for each sample.
tests/laws.py has the rules that every stream obeys.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from hl_cli.errors import BadInput
from hl_cli.types import Sample, Task


def as_sample(given: Any) -> Sample:
    """The sample of (inputs, target), or of a Sample itself; raises BadInput for anything else."""
    if type(given) is Sample:
        return given
    if isinstance(given, tuple | list) and len(given) in (2, 3):
        return Sample(*given)
    what = f"{type(given).__name__} of {len(given)}" if isinstance(given, tuple | list) else type(given).__name__
    raise BadInput(f"a sample is a {what}; allowed: hl_cli.Sample, or (inputs, target)")


@dataclass(frozen=True)
class Description:
    """What a report says of a stream.

    train_samples: None where the stream generates them without end; chance: accuracy of always naming the commonest
    held-out class, None where there are no classes; shuffled: whether it is a set in a new order each epoch, which is
    judged by what is held out, and not a stream, which is judged by what was said of each sample before it was learnt;
    spread: what held-out targets were divided by, in the units of the data, None where they were not.
    """

    name: str
    origin: str
    licence: str
    ticks: int
    features: int
    kind: str
    size: int
    targets: str
    train_samples: int | None
    held_out_samples: int
    chance: float | None
    shuffled: bool = False
    spread: float | None = None


class Stream:
    """An iterator of samples, the same for all learners, the same again from the same state.

    ticks, features: shape of a sample; task: what is asked; image: (channels, height, width) where the features of
    a sample, side by side, are an image; length: how many batches it has in all, None if it never ends;
    period: batches that a task lasts (0: there are no tasks), blend: in how many of them the next one comes in;
    train_samples: how many different samples it gives, None if it generates them; descriptions: (signals, features),
    the inputs that name a signal, where signals are named; files: what it reads, so that a change of one is noticed
    when a run goes on, and between the processes of a run; shuffled: whether it is a set, in a new order each epoch;
    overlapping: whether a row is in several samples; spread: what held-out targets were divided by, in the units of
    the data, None where they are in those units or were divided by different numbers.
    """

    ticks: int
    features: int
    task: Task
    name = "yours"
    origin = "your own"
    licence = "not said"
    image: tuple[int, int, int] | None = None
    length: int | None = None
    descriptions: torch.Tensor | None = None
    period = 0
    blend = 0
    train_samples: int | None = None
    files: tuple[Path, ...] = ()
    shuffled = False
    overlapping = False
    spread: float | None = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "__next__" in vars(cls) and "take" not in vars(cls):  # it gives samples in a way of its own
            cls.take = Stream.take  # type: ignore[method-assign]

    def __iter__(self) -> Iterator[Sample]:
        return self

    def __next__(self) -> Sample:
        raise NotImplementedError(f"{type(self).__name__} gives no samples: it needs __next__")

    def take(self, count: int) -> Sequence[Sample]:
        """The next samples, from one to `count` of them, as many as are at hand: the same as one by one, in less time.

        All have one form; Samples keeps them in one tensor each. As next(self), it raises StopIteration where there
        is none.
        """
        return [next(self)]

    def held_out(self) -> Sample:
        """All held-out samples as one batch; never given by the iterator."""
        raise NotImplementedError(f"{type(self).__name__} holds nothing out: it needs held_out")

    def state_dict(self) -> dict[str, Any]:
        """Where the stream is: enough, with its config, to go on with exactly the next sample.

        Plain numbers, strings, lists, dicts and tensors, so that torch.load(weights_only=True) takes it.
        """
        raise NotImplementedError(f"{type(self).__name__} cannot be resumed: it needs state_dict")

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go to where state_dict was taken."""
        raise NotImplementedError(f"{type(self).__name__} cannot be resumed: it needs load_state_dict")

    def label(self) -> bool:
        """Be told, before the first sample, to give the units of each (hl_cli.types.Units); return whether with times.

        By default the targets are in units of their own, and no time is known: samples stay as they are.
        """
        return False

    def held_out_tasks(self) -> dict[str, Sample]:
        """The held-out samples task by task, for a stream that changes over time; else nothing."""
        return {}

    def current_task(self) -> str | None:
        """The name of the task that the last sample was of."""
        return None

    def describe(self) -> Description:
        """Origin, licence, shapes, classes, chance level."""
        held_out = self.held_out()
        chance = None
        if self.task.kind == "classes" and held_out.target is not None:
            chance = float(torch.bincount(held_out.target).max()) / len(held_out.target)
        return Description(
            name=self.name,
            origin=self.origin,
            licence=self.licence,
            shuffled=self.shuffled,
            ticks=self.ticks,
            features=self.features,
            kind=self.task.kind,
            size=self.task.size,
            targets=self.task.targets,
            train_samples=self.train_samples,
            held_out_samples=len(held_out.inputs),
            chance=chance,
            spread=self.spread,
        )
