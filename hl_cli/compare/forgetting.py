r"""What is kept and what is forgotten of tasks learnt one after the other.

With R[e][j] the held-out score on task j after period e (larger is better), k(e) the task of period e, E the last:

    plasticity   mean over e of R[e][k(e)]                      the score on what was just learnt
    final        mean over the tasks met of R[E][j]             the score at the end
    forgetting   mean over the tasks met but k(E) of  max_{e < E, from the first meeting} R[e][j]  -  R[E][j]

At the end there are also, for every metric of the stream,

    final_<metric>    mean over the tasks met of the score at the end
    unseen_<metric>   mean over the tasks never met: what was not learnt, and is scored

A task that is learnt and never scored (an exam may leave it out) has no R[e][j]: its periods are left out of all three.

Source: Chaudhry et al., Riemannian Walk for Incremental Learning, ECCV 2018, section 4 (forgetting).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from hl_cli.compare.side_by_side import StepRecord


@dataclass
class Retention:
    """R of one learner, period by period."""

    learner: str
    metric: str
    trained: list[str] = field(default_factory=list)
    scores: list[dict[str, float]] = field(default_factory=list)
    last: dict[str, dict[str, float]] = field(default_factory=dict)

    def consume(self, record: StepRecord) -> None:
        """Take the scores of a period that ended, where the learner still has some."""
        if record.tasks is None or record.trained is None:
            return
        row = {task: of[self.learner][self.metric] for task, of in record.tasks.items() if self.learner in of}
        if row:
            self.trained.append(record.trained)
            self.scores.append(row)
            self.last = {task: dict(of[self.learner]) for task, of in record.tasks.items() if self.learner in of}

    def at_the_end(self) -> dict[str, float]:
        """The means of all metrics over the tasks met, and over those never met; none that is not a number."""
        parts = {"final": [of for task, of in self.last.items() if task in self.trained]}
        parts["unseen"] = [of for task, of in self.last.items() if task not in self.trained]
        found = {
            f"{name}_{metric}": sum(of[metric] for of in scores) / len(scores)
            for name, scores in parts.items()
            for metric in (scores[0] if scores else ())
        }
        return {name: value for name, value in found.items() if math.isfinite(value)}

    def measures(self) -> dict[str, float | None]:
        """Plasticity, final, forgetting; None where no scored task was met, forgetting also before a second one."""
        if not self.scores:
            return {}
        last = self.scores[-1]
        met = [task for task in dict.fromkeys(self.trained) if task in last]
        lost = []
        for task in met:
            since = self.trained.index(task)
            before = [row[task] for row in self.scores[since:-1]]
            if task != self.trained[-1] and before:
                lost.append(max(before) - last[task])
        just = [row[task] for row, task in zip(self.scores, self.trained, strict=True) if task in met]
        return {
            "plasticity": sum(just) / len(just) if just else None,
            "final": sum(last[task] for task in met) / len(met) if met else None,
            "forgetting": sum(lost) / len(lost) if lost else None,
            "tasks_met": len(met),
        }
