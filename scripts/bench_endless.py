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


def resident() -> float:
    """MB of this process that lie in memory."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE


def costates(learner: Any) -> float:
    """The largest number of all neuron costates."""
    parts = [z for zeta in learner.credit.neurons.costates for z in zeta if z is not None]
    return max((float(z.abs().max()) for z in parts), default=0.0)


def endless() -> None:
    print(f"\nForward credit after {TICKS:,} ticks of a Lorenz attractor (tanh RNN, 16 neurons), by a fresh learner")

    def make() -> Any:
        return build(
            "scheme=forward", "stream=lorenz", "stream.ticks=1", "model=rnn", "model.hidden=16", "scenario=custom",
            "scenario.lr=0.001",
        )  # fmt: skip

    old = make()
    largest, early, settled = 0.0, 0.0, 0.0
    for tick, sample in enumerate(islice(old.stream, TICKS), start=1):
        old.hl.step(sample)
        if tick % 100 == 0:
            largest = max(largest, costates(old.hl))
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
    show("largest costate of all, by that of the first ticks", largest / early, 10.0, f"{largest:.3g}")
