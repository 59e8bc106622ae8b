"""An observer: the least loss of each arm so far, in a file of its own, a section of the report, and TensorBoard."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hl_cli.compare.observer import Observer, RunView
from hl_cli.compare.record import StepRecord
from hl_cli.config.fields import described
from hl_cli.config.observers import Observe
from hl_cli.config.registry import choice
from hl_cli.errors import BadInput
from hl_cli.reporting.growing import Mark, close_all, grow, mark_of, settle
from hl_cli.reporting.sections import Section
from hl_cli.types import Scores


@choice("observe", "least_loss", home="LeastLoss")
@dataclass
class LeastLossConfig(Observe):
    """The least loss of each arm so far."""

    after: int = described(0, "steps that do not count", least=0)


class LeastLoss(Observer):
    @classmethod
    def check(cls, run: RunView, **fields: Any) -> None:
        if fields["after"] >= run.schedule.steps:
            raise BadInput(f"observe.{run.name}.after={fields['after']}: allowed: below steps={run.schedule.steps}")

    def __init__(self, run: RunView, after: int) -> None:
        self.name, self.after = run.name, after
        self.least: dict[str, list[Any]] = run.start["least"] if run.start else {}
        self.file = grow(run.folder / f"{run.name}.csv", run.start["mark"] if run.start else None)
        self.writer = csv.writer(self.file)
        if not run.start:
            self.writer.writerow(["step", "arm", "loss"])

    def consume(self, record: StepRecord) -> None:
        for arm, means in record.means.items() if record.step > self.after else ():
            if arm not in self.least or means[0] < self.least[arm][1]:
                self.least[arm] = [record.step, means[0]]
                self.writer.writerow([record.step, arm, means[0]])

    def state_dict(self) -> dict[str, Any]:
        return {"mark": settle(self.file), "least": self.least}

    def marks(self) -> dict[str, Mark]:
        return {f"{self.name}.csv": mark_of(self.file)}

    def close(self) -> None:
        close_all([self.file])

    def points(self, step: int) -> dict[str, Scores]:
        return {arm: {"least_loss": loss} for arm, (_, loss) in self.least.items()}

    def numbers(self) -> dict[str, Scores]:
        return {arm: {"least_loss": loss} for arm, (_, loss) in self.least.items()}

    def sections(self, labels: Mapping[str, str]) -> list[tuple[str, Callable[[], Section]]]:
        return [("least loss", lambda: self.section(labels))]

    def section(self, labels: Mapping[str, str]) -> Section:
        rows = [[labels[arm], str(step), f"{loss:.4g}"] for arm, (step, loss) in self.least.items()]
        table = [["arm", "step", "loss"], *rows]
        bars = {
            "kind": "bars", "title": "least loss", "x": "loss", "rows": [row[0] for row in rows],
            "parts": [{"label": "loss", "color": "hl", "values": [loss for _, loss in self.least.values()]}],
        }  # fmt: skip
        return Section(self.name, "Least loss", "Of a single step.", [bars], table=table, numbers=2)
