"""The contract of an observer: it sees every step of a run, and changes nothing of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hl_cli.compare.arm import Arm
from hl_cli.compare.burst import Burst
from hl_cli.compare.metrics import Measure
from hl_cli.compare.record import StepRecord
from hl_cli.compare.schedule import Schedule
from hl_cli.streams.base import Stream
from hl_cli.types import Scores


@dataclass(frozen=True)
class RunView:
    """The run that an observer sees.

    name: of the observer in this run; a file of its own that grows is NAME.csv; folder: of the run; arms: by name, in
    order; measure: loss and scores; processes: how many take part; start: its `state_dict` where a run goes on.
    """

    name: str
    folder: Path
    arms: Mapping[str, Arm]
    stream: Stream
    measure: Measure
    schedule: Schedule
    processes: int = 1
    start: Any = None


class Observer:
    """Takes the records of a run one after the other. By default it keeps nothing, writes nothing and shows nothing.

    One that a user can choose is the home of a `choice` (hl_cli.config.registry): it is called with a RunView and the
    fields of its config. One that grows files takes their state when it is made, for a file is opened where the run
    stood; others take it by `load_state_dict`.
    """

    @classmethod
    def check(cls, run: RunView, **fields: Any) -> None:
        """Raise BadInput where it has nothing to look at in this run; nothing has been written yet."""

    def consume(self, record: StepRecord) -> None:
        """Take one step in."""

    def consume_burst(self, burst: Burst) -> None:
        """Take in the steps that were taken at once: the same as one by one, for many in less time."""
        for record in burst.records:
            self.consume(record)

    def close(self) -> None:
        """Finish what is open; called in any case."""

    def state_dict(self) -> Any:
        """All that it needs to go on, in plain values and tensors; its files are on the disk then."""

    def load_state_dict(self, state: Any) -> None:
        """Go on from there."""

    def marks(self) -> dict[str, Any]:
        """What was written, by the path of the file in the folder of the run (hl_cli.reporting.growing)."""
        return {}

    def points(self, step: int) -> Mapping[str, Scores]:
        """What TensorBoard is to show of a step, by arm and tag."""
        return {}

    def facts(self) -> Mapping[str, Any]:
        """What the summary says of the run as a whole, at the end."""
        return {}

    def numbers(self) -> Mapping[str, Scores]:
        """What the summary and the table of a sweep have of each arm, at the end."""
        return {}

    def sections(self, labels: Mapping[str, str]) -> list[tuple[str, Callable[[], Any]]]:
        """Parts of the report: a name, and what makes the Section; labels: of the arms, for people."""
        return []
