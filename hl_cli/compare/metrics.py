r"""What is measured beside the loss. N rows, K outputs, y what the net says, t the target, b what persistence says.

classes   accuracy   rows whose largest output (or the sign of the only one) is that of their class, by N
          bits_per_character   cross entropy / ln 2, for characters
values    mae        mean |y - t|
          r2         1 - mean (y - t)^2 / mean (t - mean t)^2          0: no better than always saying the mean
          power_error  mean (y - t)^2 / mean t^2                       1: no better than always saying zero
          skill      1 - mean (y - t)^2 / mean (b - t)^2               0: no better than repeating the last value

r2, power_error and skill are ratios of means and need many rows: a step has none of its own, so they are taken over a
window of steps. All that they need adds up (`Means`), so that any stretch of a run can be scored.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from hl_cli.learners.base import Learner
from hl_cli.networks.losses import LOSSES
from hl_cli.streams.samples import Samples
from hl_cli.types import Sample, Scores, Task

Means = tuple[float, ...]
FOLD = 1000  # steps
EVALUATED = 2**20  # input numbers that are evaluated at once
POOLED = ("r2", "power_error", "skill")
UNDRAWN = ("mae", "bits_per_character", "power_error")


class Measure:
    """What is measured of a task.

    names: in the order of the columns; shown: those in tables for people beside the loss; drawn: those with a curve of
    their own; main: the one by which tasks are compared, larger when better; pooled: those that need a window.
    loss: a name of hl_cli.networks.losses; persistence: whether the samples bring a baseline.
    """

    def __init__(self, task: Task, loss: str, persistence: bool = False) -> None:
        self.task, self.loss = task, LOSSES[loss]
        self._bits = task.symbols and loss == "cross_entropy"
        self._persistence = persistence
        if task.kind == "classes":
            self.shown: tuple[str, ...] = ("accuracy", *(("bits_per_character",) if self._bits else ()))
            self.names = ("loss", *self.shown)
        else:
            self.shown = ("mae", "r2", *(("skill",) if persistence else ()))
            self.names = ("loss", "mae", "r2", "power_error", *self.shown[2:])
        self.parts = 2 if task.kind == "classes" else 4 + persistence + task.size  # of the means of a batch
        self.main = "accuracy" if task.kind == "classes" else "r2"
        self.drawn = tuple(name for name in self.names if name not in UNDRAWN)
        self.pooled = tuple(name for name in self.names if name in POOLED)

    def means(
        self, losses: Sequence[float] | np.ndarray, predictions: Sequence[Tensor], samples: Sequence[Sample]
    ) -> np.ndarray:
        """What adds up, for each of some batches, (batches, parts); those of one size all at once."""
        if len({len(p) for p in predictions}) > 1:
            each = zip(losses, predictions, samples, strict=True)
            return np.concatenate([self.means([loss], [y], [sample]) for loss, y, sample in each])
        if not len(losses):
            return np.empty((0, self.parts))
        target = torch.cat([s.target for s in samples if s.target is not None])
        baseline = torch.cat([s.baseline for s in samples if s.baseline is not None]) if self._persistence else None
        return self._means(losses, torch.cat(list(predictions)), target, baseline)

    def means_of(self, losses: Sequence[float] | np.ndarray, y: Tensor, block: Samples) -> np.ndarray:
        """The same of a block; y: what was said of its samples, their rows one after the other."""
        baseline = block.baseline.flatten(0, 1) if block.baseline is not None and self._persistence else None
        return self._means(losses, y, block.target.flatten(0, 1), baseline)

    def _means(
        self, losses: Sequence[float] | np.ndarray, y: Tensor, target: Tensor, baseline: Tensor | None
    ) -> np.ndarray:
        """Of batches of one size, their rows one after the other."""
        count = len(losses)
        if self.task.kind == "classes":
            columns = [(named(y) == target).view(count, -1).double().mean(1, keepdim=True)]
        else:
            t = target.double()
            parts = [(y - t).abs(), (y - t).square()]
            if baseline is not None:
                parts.append((baseline - t).square())
            columns = [p.view(count, -1).mean(1, keepdim=True) for p in (*parts, t.square())]
            columns.append(t.view(count, -1, t.shape[1]).mean(1))
        return np.column_stack((losses, torch.cat(columns, 1).cpu().numpy()))

    def table(self, means: np.ndarray) -> np.ndarray:
        """The scores of some stretches of samples from their means, a row each; columns in the order of `names`."""
        if self.task.kind == "classes":
            return np.column_stack((means, means[:, 0] / math.log(2))) if self._bits else means
        loss, absolute, squared, *rest = means.T
        repeated = [rest.pop(0)] if self._persistence else []
        power, *centre = rest
        square = np.zeros_like(power)
        for c in centre:
            square = square + c * c
        with np.errstate(all="ignore"):
            error = np.where(power > 0, squared / power, math.nan)
            spread = power - square / len(centre)
            saved = [_saved(squared, reference, power) for reference in (spread, *repeated)]
        return np.column_stack((loss, absolute, saved[0], error, *saved[1:]))

    def scores(self, means: Means) -> Scores:
        """The scores of one stretch by name."""
        return dict(zip(self.names, self.table(np.array([means]))[0].tolist(), strict=True))


def named(y: Tensor) -> Tensor:
    """The class that each row of outputs (rows, outputs) names: the largest, or the sign of the only one."""
    return y.argmax(1) if y.shape[1] > 1 else (y[:, 0] > 0).long()


def _saved(error: np.ndarray, reference: np.ndarray, power: np.ndarray) -> np.ndarray:
    """1 - error / reference; not a number where the reference is nothing but round-off."""
    return np.where(reference > 1e-12 * power, 1.0 - error / reference, math.nan)


def pooled(parts: Sequence[tuple[int, Means]]) -> Means:
    """The means of some stretches together, each with its number of samples."""
    total = sum(count for count, _ in parts)
    if len(parts) == 1:
        return parts[0][1]
    return tuple(math.fsum(n * m[k] for n, m in parts) / total for k in range(len(parts[0][1])))


def evaluate(learner: Learner, sample: Sample, measure: Measure) -> Scores:
    """Scores on held-out samples; nothing is learnt. A state that is carried on goes on over all of them."""
    assert sample.target is not None
    count, parts = len(sample.inputs), []
    rows = len(sample.target) // count
    at_once = count if learner.lives_on else max(1, EVALUATED * count // sample.inputs.numel())
    with torch.no_grad():
        for first in range(0, count, at_once):
            here = slice(first * rows, (first + at_once) * rows)
            baseline = None if sample.baseline is None else sample.baseline[here]
            part = Sample(sample.inputs[first : first + at_once], sample.target[here], baseline)
            y = learner.predict(part.inputs)
            loss = float(measure.loss(y, sample.target[here]))
            parts.append((len(part.inputs), tuple(measure.means([loss], [y], [part])[0].tolist())))
    return measure.scores(pooled(parts))


class Total:
    """All steps so far; what came is summed when it is asked for, and after every FOLD steps."""

    def __init__(self, measure: Measure) -> None:
        self._measure = measure
        self._sums = np.zeros(1)
        self._folded = 0
        self._waiting: list[np.ndarray] = []
        self.count = 0

    def add(self, means: Means) -> None:
        """Take one step in."""
        self.extend(np.array([means]))

    def extend(self, means: np.ndarray) -> None:
        """Take many steps in, (steps, parts)."""
        if not len(means):
            return
        self._waiting.append(means)
        self.count += len(means)
        if self.count - self._folded >= FOLD:
            rows = np.concatenate(self._waiting)
            whole = len(rows) - len(rows) % FOLD
            for first in range(0, whole, FOLD):
                self._add(rows[first : first + FOLD])
            self._waiting = [rows[whole:].copy()] if whole < len(rows) else []

    def _add(self, rows: np.ndarray) -> None:
        self._sums = self._sums + rows.sum(0)
        self._folded += len(rows)

    def _fold(self) -> None:
        if self._waiting:
            self._add(np.concatenate(self._waiting))
            self._waiting = []

    def scores(self) -> Scores:
        """The scores over all steps; nothing before the first."""
        self._fold()
        return self._measure.scores(tuple((self._sums / self._folded).tolist())) if self._folded else {}

    def state_dict(self) -> dict[str, Any]:
        """The sums, and what waits to be added: when that happens is part of their last bits."""
        waiting = torch.from_numpy(np.concatenate(self._waiting)) if self._waiting else torch.zeros(0).double()
        return {"sums": torch.from_numpy(self._sums), "folded": self._folded, "waiting": waiting}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self._sums, self._folded = state["sums"].numpy(), state["folded"]
        self._waiting = [state["waiting"].numpy()] if len(state["waiting"]) else []
        self.count = self._folded + len(state["waiting"])
