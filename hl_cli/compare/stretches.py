"""All arms take the samples of a burst, a stretch after the other: between two of them they can be stopped.

How long a stretch is depends on the machine. Nothing is done between two but to ask stop(), so that what is written
depends on bursts alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from hl_cli.compare.draws import Draws
from hl_cli.compare.pace import Pace
from hl_cli.compare.pairs import Pairs
from hl_cli.compare.trace import Trace, advance
from hl_cli.learners.base import Learner
from hl_cli.types import Sample


@dataclass(frozen=True)
class Stretches:
    """stop: whether to end within a burst; draws: an arm goes on with its random numbers in the next stretch."""

    pairs: Pairs
    draws: Draws
    stop: Callable[[], bool]
    pace: Pace = field(default_factory=Pace)

    def take(
        self,
        arms: Sequence[Learner],
        traces: dict[str, Trace],
        samples: Sequence[Sample],
        step: int,
        measured: bool,
        again: bool,
    ) -> int:
        """Let the arms that have a trace take the samples that follow `step`; how many were taken.

        It is all of them unless stop() says so, also where no arm is left. arms: those that began the burst; measured:
        whether its last step is; again: it was begun before.
        """
        done = 0
        while done < len(samples) and not (done and self.stop()):
            begin, done = done, min(done + self.pace.steps, len(samples))
            observe = measured and done == len(samples)
            with self.pace.timed(done - begin):
                for arm in self.draws.each(arms, again or begin > 0):
                    trace = traces.get(arm.name)
                    if trace is not None and not trace.diverged:
                        advance(trace, arm, samples, step, done, observe, self.pairs)
            if all(trace.diverged for trace in traces.values()):
                return len(samples)
        return done
