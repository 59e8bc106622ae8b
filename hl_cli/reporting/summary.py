"""summary.json: the verdict and the numbers of a run, for other tools."""

from __future__ import annotations

import json
import math
import platform
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from hl_cli import __version__
from hl_cli.compare.differences import Differences
from hl_cli.compare.forgetting import Retention
from hl_cli.compare.metrics import Measure, Total, Window
from hl_cli.compare.side_by_side import Divergence, StepRecord
from hl_cli.compare.verdict import Verdict
from hl_cli.reporting.tables import LEARNERS
from hl_cli.types import Scores


@dataclass
class Tally:
    """What the end of a run needs of its records; final scores are of the last WINDOW steps, cumulative ones of all."""

    measure: Measure
    steps: int = 0
    apart: dict[int, float] = field(default_factory=dict)
    diverged: list[Divergence] = field(default_factory=list)
    held_out: dict[str, Scores] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.retention = {name: Retention(name, self.measure.main) for name in LEARNERS}
        self._last = {name: Window(self.measure) for name in LEARNERS}
        self._all = {name: Total(self.measure) for name in LEARNERS}

    def consume(self, record: StepRecord) -> None:
        """Keep the last window, the distances and the divergences."""
        self.steps = record.step
        for name, means in record.means.items():
            self._last[name].add(means)
            self._all[name].add(means)
        for retention in self.retention.values():
            retention.consume(record)
        if record.distance is not None:
            self.apart[record.step] = record.distance.max_abs
        if record.held_out is not None:
            self.held_out = record.held_out
        self.diverged += record.diverged

    def close(self) -> None:
        """Nothing to write."""

    @property
    def learnt(self) -> bool:
        """Whether any target counted."""
        return any(total.count for total in self._all.values())

    @property
    def window(self) -> int:
        """How many steps the final scores are of."""
        return max(last.count for last in self._last.values())

    def of(self, learner: str, seconds: float) -> dict[str, float | None]:
        """The numbers of one learner."""
        last, whole = self._last[learner].scores(), self._all[learner].scores()
        held_out = self.held_out.get(learner, {})
        return {
            **{"final_loss" if name == "loss" else name: last.get(name) for name in self.measure.names},
            **{f"held_out_{name}": held_out.get(name) for name in self.measure.names},
            **{f"cumulative_{name}": whole.get(name) for name in self.measure.names},
            **self.retention[learner].measures(),
            "steps_per_second": self._all[learner].count / seconds if seconds > 0 else None,
        }


def summary(
    tally: Tally, verdict: Verdict, differences: Differences, seconds: dict[str, float], about: dict[str, Any]
) -> dict[str, Any]:
    """Gather everything; about: coefficients, seed, threads, dtype, command and the like."""
    return {
        "verdict": verdict.word,
        "reason": verdict.reason,
        "first_difference_step": differences.first_step,
        "steps": tally.steps,
        "compared_steps": differences.last_step,
        "max_abs_weight_difference": max(tally.apart.values(), default=None),
        **{name: tally.of(name, seconds[name]) for name in LEARNERS},
        "window": tally.window,
        "metrics": list(tally.measure.shown),
        "main": tally.measure.main,
        "diverged": [asdict(d) for d in tally.diverged],
        **about,
        "versions": {
            "hl-run": __version__,
            "python": platform.python_version(),
            **{name: version(name) for name in ("torch", "hydra-core", "omegaconf", "numpy", "scikit-learn")},
        },
    }


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write all or nothing; a number that is not finite, which JSON does not know, is null."""
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(_plain(content), indent=2, allow_nan=False) + "\n")
    temporary.replace(path)
