"""When a run looks at what it does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


def _never() -> bool:
    return False


@dataclass(frozen=True)
class Schedule:
    """How many steps, and how often to measure (log_every) and to evaluate (eval_every; 0: at the end only).

    period: steps that a task of the stream lasts, after which each task is evaluated; 0: there are no tasks;
    blend: steps before its end in which the next one comes in, before which it is evaluated; enough: says between
    two bursts whether the next step is the last, though fewer than `steps` are done.
    """

    steps: int
    log_every: int = 50
    eval_every: int = 0
    period: int = 0
    blend: int = 0
    enough: Callable[[], bool] = _never

    def measures(self, step: int) -> bool:
        """The first step, every log_every-th, and the last."""
        return step in (1, self.steps) or step % self.log_every == 0

    def evaluates(self, step: int) -> bool:
        """Every eval_every-th step, and the last."""
        return step == self.steps or (self.eval_every > 0 and step % self.eval_every == 0)

    def ends_task(self, step: int) -> bool:
        """Every period-th step, or `blend` before it, and the last, where there are tasks."""
        return self.period > 0 and (step == self.steps or (step + self.blend) % self.period == 0)

    def stops(self, step: int) -> bool:
        """Whether anything is looked at after this step."""
        return self.measures(step) or self.evaluates(step) or self.ends_task(step)

    def over(self, step: int) -> bool:
        """Whether no step follows this one."""
        return step >= self.steps or self.enough()

    def burst(self, step: int, limit: int) -> int:
        """How many steps to take at once after `step`: up to the next that stops, or the limit."""
        if self.enough():
            return 1
        every = [(self.log_every, 0), (self.eval_every, 0), (self.period, self.blend)]
        stops = [((step + before) // count + 1) * count - before for count, before in every if count]
        stops += [one for one in (1, self.steps) if one > step]
        return max(1, min(limit, min(stops) - step))
