r"""A free run: weights frozen, a learner generates by itself, and is scored against what really came.

    power_error   mean (y - t)^2 / mean t^2                          1: as zero output
    r2            1 - mean (y - t)^2 / mean (t - mean t)^2           0: as the mean

where t is the true continuation, tick by tick, and y what the learner says. It sees, by `feed`,

    closed_loop      its own last output in place of the input (the first input is the true one)
    zero_input       zeros
    teacher_forced   the true inputs, where those are no values of the signal, such as a description
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice

import torch
from torch import Tensor

from hl_cli.streams.base import Stream

FED = {"closed_loop": "its own output", "zero_input": "zeros", "teacher_forced": "the true inputs"}
Tick = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class FreeRun:
    """true: (ticks, size); said: the same by learner."""

    feed: str
    true: Tensor
    said: dict[str, Tensor]

    def scores(self) -> dict[str, dict[str, float]]:
        """power_error and r2 by learner, and of zero output; not a number where the truth is zero, or constant."""
        t = self.true.double()
        power, spread = t.square().mean(), (t - t.mean(0)).square().mean()
        found = {}
        for name, y in {**self.said, "zero": torch.zeros_like(self.true)}.items():
            error = (y.double() - t).square().mean()
            found[name] = {"power_error": float(error / power), "r2": float(1.0 - error / spread)}
        return found


@torch.no_grad()
def free_run(learners: dict[str, Tick], stream: Stream, ticks: int, feed: str) -> FreeRun | None:
    """Let each learner generate; takes the next samples of the stream, one tick each. None where none are left.

    learners: by name, a tick of its neurons with frozen weights, u (1, features) to y (1, size).
    """
    samples = [sample for sample in islice(stream, ticks) if sample.target is not None]
    if not samples:
        return None
    true = torch.cat([sample.target for sample in samples if sample.target is not None])
    said = {}
    for name, tick in learners.items():
        words: list[Tensor] = []
        for k, sample in enumerate(samples):
            u = sample.inputs[:, 0]
            if feed == "zero_input":
                u = torch.zeros_like(u)
            elif feed == "closed_loop" and k > 0:
                u = words[-1]
            words.append(tick(u))
        said[name] = torch.cat(words)
    return FreeRun(feed, true, said)
