"""credit.csv, with `observe=[credit]`: how much of the exact gradient each arm's credit assignment carries.

Every so many steps the last samples are run again from rest at the weights of the moment, by a copy of each arm that
does not move them and by back-propagation through all of their ticks (hl_cli.compare.probe).

    step,arm,samples,tensor,cosine,norm_ratio

A row a weight tensor; `state net` is all tensors of the recurrent cells, `all` those of the whole net.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from hl_cli.compare.arm import Arm
from hl_cli.compare.observer import Observer, RunView
from hl_cli.compare.probe import ALL, STATE, Agreement, agreements, net_of
from hl_cli.compare.record import StepRecord
from hl_cli.config.fields import described
from hl_cli.config.models import with_a_state
from hl_cli.config.observers import Observe
from hl_cli.config.registry import choice
from hl_cli.errors import BadInput, NoSuchCombination
from hl_cli.networks.recurrent import Recurrent
from hl_cli.reporting.cells import as_cell
from hl_cli.reporting.growing import Mark, close_all, grow, mark_of, settle
from hl_cli.reporting.sections import Section
from hl_cli.types import Sample, Scores

WORDS = (
    "They are run again from rest, weights frozen: the mean gradient that an arm's credit assignment gives, against "
    "the one by back-propagation through all of their ticks. The norm ratio is that of the arm to the exact one. A "
    "cosine of 1 is the direction of the gradient; it does not imply that the arm learns."
)


@choice("observe", "credit", home="Credit")
@dataclass
class ObserveCredit(Observe):
    """The gradient of each arm against the exact one, by tensor, at the weights of the moment."""

    every: int = described(1000, "steps between two looks, a multiple of log_every", least=1)
    over: int = described(
        100, "the last so many samples are run again from rest, weights frozen, and their gradients averaged", least=1
    )


class Credit(Observer):
    """Writes a row an arm and tensor, every so many steps, at steps that the schedule measures."""

    @classmethod
    def check(cls, run: RunView, **fields: Any) -> None:
        """Raise BadInput where no arm has an exact gradient to be compared with."""
        said, every = f"observe=[{run.name}]", fields["every"]
        if run.processes > 1:
            raise BadInput(f"{said}: allowed in one process")
        if every % run.schedule.log_every:
            allowed = f"a multiple of log_every={run.schedule.log_every}"
            raise BadInput(f"observe.{run.name}.every={every}: allowed: {allowed}")
        arms = [arm for arm in run.arms.values() if _is_seen(arm)]
        if not arms:
            raise NoSuchCombination(f"{said}: no arm that learns has a recurrent net; allowed: {with_a_state()}")
        for arm in arms:
            learner: Any = arm.learner
            online = arm.coefficients is not None and hasattr(learner, "alone")
            if online and (learner.coefficients.rate is not None or not learner.rule.newest):
                raise NoSuchCombination(
                    f"{said}: the neurons of the arm {arm.name} have dynamics of their own; allowed: "
                    "integrator=semi_implicit_euler and scheme.rate=null"
                )

    def __init__(self, run: RunView, every: int, over: int) -> None:
        start = run.start
        self._arms = [arm for arm in run.arms.values() if _is_seen(arm)]
        self._loss, self._every = run.measure.loss, every
        self._samples: deque[Sample] = deque(maxlen=over)
        self._latest: dict[str, dict[str, Agreement]] = {}
        self._step, self._name, self._csv = 0, run.name, f"{run.name}.csv"
        self._file = grow(run.folder / self._csv, start["mark"] if start else None)
        self._writer = csv.writer(self._file)
        if start is None:
            self._writer.writerow(["step", "arm", "samples", "tensor", "cosine", "norm_ratio"])
            return
        self._samples.extend(Sample(*parts) for parts in start["samples"])
        self._step = start["step"]
        self._latest = {name: {t: tuple(one) for t, one in of.items()} for name, of in start["latest"].items()}

    def consume(self, record: StepRecord) -> None:
        """Keep the sample; look where it is time to."""
        assert record.sample is not None
        self._samples.append(Sample(record.sample.inputs, record.sample.target))
        if not record.measured or record.step % self._every:
            return
        self._step, self._latest = record.step, {}
        gone = {one.learner for one in record.diverged}
        for arm in self._arms:
            if arm.name in record.means and arm.name not in gone:
                assert arm.twin is not None
                found = agreements(partial(arm.twin, arm.learner.weights()), self._loss, [*self._samples])
                self._latest[arm.name] = found
                for tensor, (cosine, ratio) in found.items():
                    row = [record.step, arm.name, len(self._samples), as_cell(tensor), cosine, ratio]
                    self._writer.writerow(row)

    def state_dict(self) -> dict[str, Any]:
        """The mark of the file, the samples that are kept, and what was found last."""
        latest = {name: {t: list(one) for t, one in of.items()} for name, of in self._latest.items()}
        samples = [list(sample) for sample in self._samples]
        return {"mark": settle(self._file), "samples": samples, "latest": latest, "step": self._step}

    def marks(self) -> dict[str, Mark]:
        """What was written."""
        return {self._csv: mark_of(self._file)}

    def points(self, step: int) -> dict[str, Scores]:
        """Cosine and norm ratio of the state net and of all weights, at the step at which they were found."""
        if step != self._step:
            return {}
        return {
            name: {
                f"credit/{what}, {group}": value
                for group in (STATE, ALL)
                if group in found
                for what, value in zip(("cosine", "norm_ratio"), found[group], strict=True)
            }
            for name, found in self._latest.items()
        }

    def numbers(self) -> dict[str, Scores]:
        """Those of the state net, as found last: the head needs no credit over time."""
        return {
            name: {"credit_cosine": found[STATE][0], "credit_norm_ratio": found[STATE][1]}
            for name, found in self._latest.items()
            if STATE in found
        }

    def sections(self, labels: Mapping[str, str]) -> list[tuple[str, Callable[[], Section | None]]]:
        """What was found last, a row a tensor, columns an arm."""
        return [(self._name, lambda: self._section(labels))]

    def _section(self, labels: Mapping[str, str]) -> Section | None:
        shown = {name: found for name, found in self._latest.items() if found}
        if not shown:
            return None
        tensors = dict.fromkeys((STATE, ALL, *(tensor for found in shown.values() for tensor in found)))
        header = [f"{what}, {labels[name]}" for what in ("cosine", "norm ratio") for name in shown]
        rows = [
            [tensor, *(_said(found.get(tensor), k) for k in (0, 1) for found in shown.values())] for tensor in tensors
        ]
        words = f"After step {self._step}, over the last {len(self._samples)} samples. {WORDS} All looks: {self._csv}."
        return Section(self._name, "Credit over time", words, table=[["tensor", *header], *rows], numbers=len(header))

    def close(self) -> None:
        """Write what is buffered."""
        close_all([self._file])


def _said(of: Agreement | None, k: int) -> str:
    return "-" if of is None else f"{of[k]:.4g}"


def _is_seen(arm: Arm) -> bool:
    """Whether an arm learns over a recurrent net."""
    return arm.twin is not None and isinstance(net_of(arm.learner), Recurrent)
