"""The running scores of all arms, and what the end of a run needs of its records."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import torch

from hl_cli.compare.burst import Burst
from hl_cli.compare.draws import Drew
from hl_cli.compare.forgetting import Retention
from hl_cli.compare.metrics import Measure, Total
from hl_cli.compare.observer import Observer
from hl_cli.compare.record import Divergence, StepRecord
from hl_cli.compare.window import Window
from hl_cli.types import Scores

LEARNERS = ("hl", "pytorch")


@dataclass
class RunningMetrics(Observer):
    """What is known of a run so far.

    names: the arms, in order; last, total: scores of each over the last WINDOW steps, and over all; apart: by arm, its
    largest weight difference from the reference by measured step; retention: what is kept of the tasks of a stream that
    changes; drew: of arms with random numbers, whether they were ever others than those of the reference.
    """

    measure: Measure
    names: tuple[str, ...] = LEARNERS
    steps: int = 0
    apart: dict[str, dict[int, float]] = field(default_factory=dict)
    diverged: list[Divergence] = field(default_factory=list)
    held_out: dict[str, Scores] = field(default_factory=dict)
    drew: dict[str, Drew] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.retention = {name: Retention(name, self.measure.main) for name in self.names}
        self.last = {name: Window(self.measure) for name in self.names}
        self.total = {name: Total(self.measure) for name in self.names}

    def consume(self, record: StepRecord) -> None:
        """Keep the last window, the distances and the divergences."""
        for name, means in record.means.items():
            self.last[name].add(means)
            self.total[name].add(means)
        self._note(record)

    def consume_burst(self, burst: Burst) -> None:
        """The means of all its steps, and what some of them tell beside."""
        for name, means in burst.means.items():
            self.last[name].extend(means)
            self.total[name].extend(means)
        for record in burst.notable:
            self._note(record)

    def _note(self, record: StepRecord) -> None:
        self.steps = record.step
        for retention in self.retention.values():
            retention.consume(record)
        for name, pair in record.pairs.items():
            if pair.distance is not None:
                self.apart.setdefault(name, {})[record.step] = pair.distance.max_abs
        if record.held_out is not None:
            self.held_out = record.held_out
        self.diverged += record.diverged
        for name, drew in record.drew.items():
            self.drew[name] = max(self.drew.get(name, drew), drew)

    def running(self, record: StepRecord) -> list[str]:
        """The arms whose scores are of this step: an arm that has diverged has none from then on."""
        gone = {one.learner for one in self.diverged}
        return [name for name in self.names if name not in gone or name in record.means]

    def numbers(self) -> dict[str, Scores]:
        """Of the tasks of a stream that changes: plasticity, forgetting, and the scores at the end."""
        found: dict[str, Scores] = {}
        for name, of in self.retention.items():
            kept = {key: value for key, value in of.measures().items() if key in ("plasticity", "forgetting")}
            found[name] = {key: value for key, value in kept.items() if value is not None} | of.at_the_end()
        return found

    def state_dict(self) -> dict[str, Any]:
        """All of it, in plain values and tensors."""
        return {
            "steps": self.steps,
            "apart": {
                name: torch.tensor([*apart.items()], dtype=torch.float64)  # exact up to 2**53 steps
                for name, apart in self.apart.items()
            },
            "diverged": [asdict(d) for d in self.diverged],
            "held_out": self.held_out,
            "drew": {name: int(drew) for name, drew in self.drew.items()},
            **{f"last {name}": self.last[name].state_dict() for name in self.names},
            **{f"total {name}": self.total[name].state_dict() for name in self.names},
            **{f"retention {name}": asdict(self.retention[name]) for name in self.names},
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self.steps, self.held_out = state["steps"], state["held_out"]
        self.drew = {name: Drew(drew) for name, drew in state["drew"].items()}
        self.apart = {name: {int(step): gap for step, gap in of.tolist()} for name, of in state["apart"].items()}
        self.diverged = [Divergence(**d) for d in state["diverged"]]
        for name in self.names:
            self.last[name].load_state_dict(state[f"last {name}"])
            self.total[name].load_state_dict(state[f"total {name}"])
            self.retention[name] = Retention(**state[f"retention {name}"])

    @property
    def learnt(self) -> bool:
        """Whether any target counted."""
        return any(total.count for total in self.total.values())

    @property
    def window(self) -> int:
        """How many steps the final scores are of."""
        return max(last.count for last in self.last.values())

    def of(self, learner: str, seconds: float) -> dict[str, float | None]:
        """The numbers of one learner, but for those of its `retention`."""
        last, whole = self.last[learner].scores(), self.total[learner].scores()
        held_out = self.held_out.get(learner, {})
        return {
            **{"final_loss" if name == "loss" else name: last.get(name) for name in self.measure.names},
            **{f"held_out_{name}": held_out.get(name) for name in self.measure.names},
            **{f"cumulative_{name}": whole.get(name) for name in self.measure.names},
            "steps_per_second": self.total[learner].count / seconds if seconds > 0 else None,
        }
