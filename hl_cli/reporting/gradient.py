"""gradient.csv, with `observe=[gradient]`: how far back the gradient of each recurrent net reaches, by lag.

At the first step and every so many steps the last ticks are run again from rest at the weights of the moment
(hl_cli.compare.over_time). What an arm learns from does not matter, its net does.

    step,arm,lag,largest,smallest

Largest and smallest singular value of dh_T/dh_(T-lag).
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from hl_cli.compare.arm import Arm
from hl_cli.compare.observer import Observer, RunView
from hl_cli.compare.over_time import MOST, PROBES, lags_up_to, reach
from hl_cli.compare.probe import net_of
from hl_cli.compare.record import StepRecord
from hl_cli.config.fields import described
from hl_cli.config.models import with_a_state
from hl_cli.config.observers import Observe
from hl_cli.config.registry import choice
from hl_cli.errors import BadInput, NoSuchCombination
from hl_cli.networks.recurrent import Recurrent
from hl_cli.reporting.gradient_picture import Reached, draw_gradient
from hl_cli.reporting.growing import Mark, close_all, grow, mark_of, settle
from hl_cli.reporting.palette import color_of, key_of
from hl_cli.reporting.sections import Section
from hl_cli.types import Scores

Reach = list[tuple[int, float, float]]
FADED = 1e-16  # is not drawn in the page
WORDS = (
    "Singular values of dh(T)/dh(T - lag): the largest is how much a change of the state grows at most over the lag, "
    "the smallest how much of it is left at least. Of a net with more than "
    f"{MOST} states {PROBES} random directions are followed: the largest is at least what is said, the other at most."
)


@choice("observe", "gradient", home="Gradient")
@dataclass
class ObserveGradient(Observe):
    """How far back the gradient of each recurrent net reaches: singular values of dh(T)/dh(t) over the lag."""

    every: int = described(
        1000, "steps between two looks, a multiple of log_every; the first step is seen too", least=1
    )
    over: int = described(100, "ticks, the last ones; where a sample begins at rest, at most those of one", least=2)


class Gradient(Observer):
    """Writes a row an arm and lag, every so many steps, at steps that the schedule measures."""

    @classmethod
    def check(cls, run: RunView, **fields: Any) -> None:
        """Raise BadInput where no arm has a recurrent net."""
        if fields["every"] % run.schedule.log_every:
            allowed = f"a multiple of log_every={run.schedule.log_every}"
            raise BadInput(f"observe.{run.name}.every={fields['every']}: allowed: {allowed}")
        if not any(_net(arm) for arm in run.arms.values()):
            raise NoSuchCombination(f"observe=[{run.name}]: no arm has a recurrent net; allowed: {with_a_state()}")

    def __init__(self, run: RunView, every: int, over: int) -> None:
        start = run.start
        self._arms = {name: arm for name, arm in run.arms.items() if _net(arm)}
        self._every, self._over, self._name, self._csv = every, over, run.name, f"{run.name}.csv"
        self._ticks: deque[Tensor] = deque(start["ticks"] if start else (), maxlen=over)
        self._looks: dict[str, dict[int, Reach]] = {name: {} for name in self._arms}
        self._picture = run.folder / f"{run.name}.png"
        self._file = grow(run.folder / self._csv, start["mark"] if start else None)
        self._writer = csv.writer(self._file)
        if start is None:
            self._writer.writerow(["step", "arm", "lag", "largest", "smallest"])
            return
        for name, looks in start["looks"].items():
            self._looks[name] = {step: [tuple(row) for row in rows] for step, rows in looks}

    def consume(self, record: StepRecord) -> None:
        """Keep the ticks; look where it is time to."""
        assert record.sample is not None
        self._ticks.extend(record.sample.inputs[0].detach())
        if not record.measured or (record.step > 1 and record.step % self._every):
            return
        gone = {one.learner for one in record.diverged}
        for name, arm in self._arms.items():
            if name in record.means and name not in gone:
                net, ticks = _net(arm), [*self._ticks]
                if not getattr(arm.learner, "lives_on", False):
                    ticks = ticks[-record.sample.inputs.shape[1] :]
                assert net is not None
                found = reach(net, torch.stack(ticks), lags_up_to(len(ticks) - 1)) if len(ticks) > 1 else []
                first = dict([*self._looks[name].items()][:1])
                self._looks[name] = {**first, record.step: found} if found else first
                self._writer.writerows([record.step, name, *row] for row in found)

    def state_dict(self) -> dict[str, Any]:
        """The mark of the file, the ticks that are kept, and the first and the last look."""
        looks = {
            name: [[step, [list(row) for row in rows]] for step, rows in of.items()] for name, of in self._looks.items()
        }
        return {"mark": settle(self._file), "ticks": [tick.clone() for tick in self._ticks], "looks": looks}

    def marks(self) -> dict[str, Mark]:
        """What was written."""
        return {self._csv: mark_of(self._file)}

    def numbers(self) -> dict[str, Scores]:
        """At the longest lag of the last look."""
        last = {name: [*looks.values()][-1][-1] for name, looks in self._looks.items() if looks}
        return {name: {"gradient_largest": row[1], "gradient_smallest": row[2]} for name, row in last.items()}

    def sections(self, labels: Mapping[str, str]) -> list[tuple[str, Callable[[], Section | None]]]:
        """A figure a look: the first and the last."""
        return [(self._name, lambda: self._section(labels))]

    def _section(self, labels: Mapping[str, str]) -> Section | None:
        looks = sorted({step for of in self._looks.values() for step in of})
        shown = dict.fromkeys(looks[:1] + looks[-1:])
        if not shown:
            return None
        figures = [self._figure(step, end, labels) for step in shown for end in (0, 1)]
        rows = [
            [labels[name], str(step), str(of[step][-1][0]), *(f"{value:.3g}" for value in of[step][-1][1:])]
            for name, of in self._looks.items()
            for step in shown
            if step in of
        ]
        words = f"{WORDS} The table has the longest lag. All lags: {self._csv}."
        header = ["arm", "after step", "lag", "largest", "smallest"]
        draw_gradient(self._picture, [self._reached(name, labels) for name, of in self._looks.items() if of])
        pictures = [(self._picture, "largest and smallest singular values over the lag")]
        return Section(self._name, "Gradient over time", words, figures, pictures, [header, *rows], numbers=4)

    def _reached(self, name: str, labels: Mapping[str, str]) -> Reached:
        """An arm as the picture shows it."""
        net, color = _net(self._arms[name]), color_of(key_of(name, [*labels]))
        assert net is not None
        cell = net.cells[0]
        return Reached(labels[name], color, type(cell).__name__, getattr(cell, "eps", None), self._looks[name])

    def _figure(self, step: int, end: int, labels: Mapping[str, str]) -> dict[str, Any]:
        """The largest (end 0) or the smallest singular value (1) of each arm over the lag."""
        layers, seen = [], [1.0]
        for name, of in self._looks.items():
            if step in of:
                lags, *ends = zip(*of[step], strict=True)
                values = [value if value > FADED else None for value in ends[end]]
                seen += [value for value in values if value]
                line = {
                    "column": name,
                    "label": labels[name],
                    "color": key_of(name, [*labels]),
                    "width": 1.8,
                    "alpha": 1.0,
                }
                layers.append({"data": {"lag": [*lags], name: values}, "lines": [line]})
        which = ("largest", "smallest")[end]
        about = {"title": f"{which} singular value after step {step}", "x": "lag", "y": which, "scale": "log"}
        return {**about, "reach": [min(seen) / 2, max(seen) * 2], "layers": layers}

    def close(self) -> None:
        """Write what is buffered."""
        close_all([self._file])


def _net(arm: Arm) -> Recurrent | None:
    net = net_of(arm.learner)
    return net if isinstance(net, Recurrent) else None
