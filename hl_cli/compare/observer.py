"""The contract of an observer: it sees every step of a run, and changes nothing of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hl_cli.compare.record import StepRecord
from hl_cli.types import Scores


class Observer:
    """Takes the records of a run one after the other. By default it keeps nothing, writes nothing and shows nothing.

    One that grows files takes their state when it is made, for a file is opened where the run stood; others take it
    by `load_state_dict`.
    """

    def consume(self, record: StepRecord) -> None:
        """Take one step in."""

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
