"""Bench rows of a stream without end: a learner that is old by a fresh one, tick by tick in turns, and what it keeps.

The two alternate in short rounds on the same ticks, so that the noise of the machine meets both.
"""

from __future__ import annotations

import gc
from itertools import islice
from pathlib import Path
from typing import Any

from ratios import build, compare, show

TICKS, SETTLED = 10**6, 10**4
PAGE = 4096 / 2**20  # MB
KINDS = (
    ("Forward credit", "tanh RNN", ("model=rnn",)),
    ("Eligibility traces", "trace units", ("model=trace_units", "credit=eligibility")),
)


def resident() -> float:
    """MB of this process that lie in memory."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE


def carried(learner: Any) -> list[Any]:
    """What credit carries from tick to tick: traces, or costates of neurons."""
    neurons = learner.credit.neurons
    parts = getattr(neurons, "traces", None) or [z for zeta in neurons.costates for z in zeta]
    return [part for part in parts if part is not None]


def largest_of(learner: Any) -> float:
    """The largest number of all that is carried."""
    return max((float(part.abs().max()) for part in carried(learner)), default=0.0)


def endless() -> None:
    for what, net, choice in KINDS:
        print(f"\n{what} after {TICKS:,} ticks of a Lorenz attractor ({net}, 16 neurons), by a fresh learner")
        _old_by_fresh(*choice)


def _old_by_fresh(*choice: str) -> None:
    def make() -> Any:
        return build(
            "scheme=forward", "stream=lorenz", "stream.ticks=1", "model.hidden=16", "scenario=custom",
            "scenario.lr=0.001", *choice,
        )  # fmt: skip

    old = make()
    largest, early, settled = 0.0, 0.0, 0.0
    for tick, sample in enumerate(islice(old.stream, TICKS), start=1):
        old.hl.step(sample)
        if tick % 100 == 0:
            largest = max(largest, largest_of(old.hl))
        if tick == SETTLED:
            settled, early = resident(), largest
    grown = resident() - settled
    fresh = make()
    ticks = [next(old.stream) for _ in range(100)]

    def through(learner: Any) -> Any:
        def work() -> None:
            for sample in ticks:
                learner.step(sample)

        return work

    compare("100 ticks, old by fresh", 1.05, through(old.hl), through(fresh.hl))
    show(f"memory gained since tick {SETTLED:,}", grown, 5.0, "MB")
    show("largest number carried, by that of the first ticks", largest / early, 10.0, f"{largest:.3g}")
    state_net = sum(p.numel() for name, p in old.hl.weights().items() if not name.startswith("head"))
    numbers = sum(part.numel() * (2 if part.is_complex() else 1) for part in carried(old.hl))
    show("numbers carried, by weights of the state net", numbers / state_net, 2.0, f"{numbers:,}")
