"""The contract of a stream: samples in an order fixed by the seed, resumable at any sample, with a held-out part."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from hl_cli.types import Sample


@dataclass(frozen=True)
class Description:
    """What a report says of a stream. chance: accuracy of always naming the commonest held-out class."""

    name: str
    origin: str
    licence: str
    ticks: int
    features: int
    classes: int
    train_samples: int
    held_out_samples: int
    chance: float


class Stream(Protocol):
    """An endless iterator of samples, the same for all learners, the same again from the same state."""

    ticks: int
    features: int
    classes: int

    def __iter__(self) -> Iterator[Sample]: ...

    def __next__(self) -> Sample: ...

    def held_out(self) -> Sample:
        """All held-out samples as one batch; never given by the iterator."""
        ...

    def state_dict(self) -> dict[str, int]:
        """Where the stream is: enough, with its config, to go on with exactly the next sample."""
        ...

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Go to where state_dict was taken."""
        ...

    def describe(self) -> Description:
        """Origin, licence, shapes, classes, chance level."""
        ...
