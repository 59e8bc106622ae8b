"""What travels between the rooms: a sample of the stream, what a learner says of a step, and the symbols.

Symbols, the same in code, configs, CSV columns and reports (arXiv 2409.12038):

    u, target      inputs and target that the stream gives          (batch, ticks, features), (rows, ...)
    h              neuron state, one tuple of tensors a block        (batch, width) each
    z              costate of h                                      as h
    theta          weights of the state net and of the output net    one flat buffer
    omega          costate of theta                                  one flat buffer
    tau            Euler step (time units)                           scalar
    beta           weight velocity gain: theta' = -beta omega        scalar
    eta            dissipation of omega (1/time)                     scalar
    phi            weight of the loss in the Hamiltonian             scalar, may depend on the step
    rate           leak rate of a state block (1/time)               scalar, 1/tau unless said

Here theta is always the weights, never a dissipation.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

TARGETS = ("last", "all")
KINDS = ("classes", "values")
ENGINES = ("eager", "replay", "compiled", "auto")
FEEDS = ("closed_loop", "zero_input", "teacher_forced")
REPORTS = ("full", "light", "none")  # how much of its report a run makes


@dataclass(frozen=True, init=False)
class Task:
    """What a stream asks of a net.

    kind: "classes" (name one of `size` classes) or "values" (say `size` real numbers); targets: whether the "last" tick
    of a sample has a target or "all" have; symbols: whether the classes are characters of a text.
    """

    kind: str
    size: int
    targets: str
    symbols: bool

    def __init__(
        self, kind: str, size: int, targets: str = "last", symbols: bool = False, counts: str | None = None
    ) -> None:
        if counts is not None or targets == "every":  # names of before
            targets = {"every": "all"}.get(counts or targets, counts or targets)
            warnings.warn(f'Task(counts=...) is now Task(targets="{targets}")', DeprecationWarning, stacklevel=2)
        for name, value in (("kind", kind), ("size", size), ("targets", targets), ("symbols", symbols)):
            object.__setattr__(self, name, value)

    @property
    def counts(self) -> str:
        """The name that `targets` had, and its values: "last", "every"."""
        warnings.warn("Task.counts is now Task.targets", DeprecationWarning, stacklevel=2)
        return "every" if self.targets == "all" else self.targets


Units = tuple["Tensor", "Tensor", list[str]]
"""(scale, shift, times): y scale + shift takes rows of a target y back to the units of the data, each (rows, size) or
broadcast to it; times: a label a row, of the moment that its target is of, or none. Plain, so that it can be saved."""


class Sample(NamedTuple):
    """One learning period of the stream: what all arms see before their weights move once.

    inputs: (batch, ticks, features) in the run's dtype. target: a row a tick that counts, (rows,) class numbers or
    (rows, size) values, with rows = batch, or batch * ticks (sample by sample) where every tick counts; None where
    no tick counts: the arms predict and nothing is learnt. baseline: what persistence, repeating the last value
    seen, would say, as target, where that means something. units: only where a stream was asked for them
    (`Stream.label`), and only where they are not those of the target itself.
    """

    inputs: Tensor
    target: Tensor | None
    baseline: Tensor | None = None
    units: Units | None = None


@dataclass(frozen=True)
class Physics:
    """The energy bookkeeping of one step, read before the weights move (CSV columns of the same names)."""

    hamiltonian: float
    loss_term: float
    kinetic: float
    state_costate_norm: float
    weight_costate_norm: float
    weight_norm: float


class LearnerRecord(NamedTuple):
    """What a learner says of one step: the prediction and the loss it had *before* its weights moved.

    prediction: (rows, outputs); loss: mean over the rows, None where no target counted; physics: only where asked
    for and only from HL; sample: what the prediction is of, where it is not the sample given at this step.
    """

    prediction: Tensor
    loss: float | None
    physics: Physics | None = None
    sample: Sample | None = None


class LearnerRecords(NamedTuple):
    """What a learner says of samples that it took at once, of one form, with a target each.

    predictions: (samples, rows, outputs); losses: (samples,), float64; watched: what was watched, as it was after each,
    (samples, numbers), None where nothing was; stop: what the sample after them raises.
    """

    predictions: Tensor
    losses: np.ndarray
    watched: Tensor | None = None
    stop: Exception | None = None

    def of(self, k: int) -> LearnerRecord:
        """What it says of one of them."""
        return LearnerRecord(self.predictions[k], float(self.losses[k]))


Scores = dict[str, float]
"""What was measured over some samples, by the names of hl_cli.compare.metrics: loss, accuracy, r2 and the like."""
