"""When a run ends before its steps are done, because it has learnt enough, or no longer improves."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from hl_cli.compare.observer import Observer
from hl_cli.compare.record import StepRecord
from hl_cli.compare.running_metrics import RunningMetrics
from hl_cli.compare.schedule import Schedule
from hl_cli.compare.window import WINDOW


@dataclass
class _Best:
    """The lowest held-out loss of an arm, and how many evaluations have been made since."""

    loss: float
    since: int = 0


class EarlyStop(Observer):
    """Whether to end early; a consumer that comes after the tally. `reason` is None while the run is to go on.

    loss: end once the mean loss over the last WINDOW steps is below it for all of `learning`, the names of the arms
    that learn, but for those that have diverged; looked at where the schedule measures. patience: end after so many
    evaluations of the schedule in which no arm had a lower held-out loss than ever before.
    The loop takes one more step after that, so that the last step is measured and evaluated like that of any run.
    """

    def __init__(
        self,
        schedule: Schedule,
        tally: RunningMetrics,
        learning: tuple[str, ...],
        loss: float | None,
        patience: int | None,
    ) -> None:
        self._schedule, self._tally, self._learning = schedule, tally, learning
        self._loss, self._patience = loss, patience
        self._best: dict[str, _Best] = {}
        self.reason: str | None = None

    def __call__(self) -> bool:
        """Whether the next step is the last."""
        return self.reason is not None

    def consume(self, record: StepRecord) -> None:
        """Look, where the schedule does: a step that a signal made the last is measured too, and must not count."""
        if self.reason is not None:
            return
        if self._loss is not None and self._schedule.measures(record.step) and self._low(self._loss):
            self.reason = (
                f"stop.loss={self._loss:g}: the loss over the last {WINDOW} steps was below it after step {record.step}"
            )
        elif self._patience is not None and record.held_out and self._schedule.evaluates(record.step):
            losses = {name: scores["loss"] for name, scores in record.held_out.items()}
            if self._improves_no_more(losses, self._patience):
                self.reason = (
                    f"stop.patience={self._patience}: no held-out loss improved in so many evaluations up to "
                    f"step {record.step}"
                )

    def _low(self, wanted: float) -> bool:
        """Whether every arm that still learns is below the loss that is wanted."""
        gone = {d.learner for d in self._tally.diverged}
        windows = [self._tally.last[name] for name in self._learning if name not in gone]
        return bool(windows) and all(of.count == WINDOW and of.scores()["loss"] < wanted for of in windows)

    def _improves_no_more(self, losses: dict[str, float], patience: int) -> bool:
        """Take an evaluation in; whether the last so many have brought none of these arms a lower loss."""
        for name, loss in losses.items():
            best = self._best.get(name)
            if best is None or loss < best.loss:
                self._best[name] = _Best(loss)
            else:
                best.since += 1
        return all(self._best[name].since >= patience for name in losses)

    def state_dict(self) -> dict[str, Any]:
        """The reason, if any, and the best of each arm."""
        return {"reason": self.reason, "best": {name: asdict(best) for name, best in self._best.items()}}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self.reason = state["reason"]
        self._best = {name: _Best(**of) for name, of in state["best"].items()}

    def facts(self) -> dict[str, Any]:
        """Why the run ended before its steps were done; nothing where they were done all the same."""
        return {"ended_early": self.reason if self._tally.steps < self._schedule.steps else None}
