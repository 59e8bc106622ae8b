"""The whole loop, with files, TensorBoard and comparison, by the sum of the bare loops of its arms; and by itself."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ratios import bare_pytorch, build, compare
from torch import Tensor

from hl_cli.compare.observer import Observer
from hl_cli.compare.pairs import Pairs
from hl_cli.compare.running_metrics import RunningMetrics
from hl_cli.compare.schedule import Schedule
from hl_cli.compare.side_by_side import compare_bursts
from hl_cli.learners.base import Learner
from hl_cli.reporting.progress import Progress
from hl_cli.reporting.tables import Tables
from hl_cli.reporting.tensorboard import TensorBoard
from hl_cli.reporting.thousands import Thousands
from hl_cli.runs.heap import settled
from hl_cli.streams.samples import Samples
from hl_cli.types import LearnerRecord, LearnerRecords, Sample

RUNS = (
    (("hl", "pytorch"), "split=state_output"),
    (("hl", "pytorch", "adam", "hl_wave", "hl_explicit", "frozen"), "split=state"),
)


ALONE = ("scheme=forward", "stream=lorenz", "stream.ticks=1", "model=rnn", "split=state")
TICKS = 200


class Idle:
    """A learner that repeats the last value and learns nothing: what it costs is the loop around it."""

    name, seconds, weights_elsewhere, lives_on = "hl", 0.0, False, False

    def __init__(self, of: Learner) -> None:
        self.weights = of.weights

    def expect(self, steps: int, observe: bool) -> None:
        """Nothing to make ready."""

    def step(self, sample: Sample, observe: bool = False) -> LearnerRecord:
        """The last tick, said again."""
        return LearnerRecord(sample.inputs[:, -1], 0.0)

    def several(self, samples: Any, watched: Sequence[Tensor]) -> LearnerRecords:
        """All at once."""
        block = isinstance(samples, Samples)
        said = samples.inputs[:, :, -1] if block else torch.stack([one.inputs[:, -1] for one in samples])
        return LearnerRecords(said, np.zeros(len(samples)))

    def predict(self, inputs: Tensor) -> Tensor:
        """The same."""
        return inputs[:, -1]


def loop() -> None:
    print("\nThe whole loop with files and TensorBoard, by the sum of the bare loops of its arms (MLP, batch 1)")
    for arms, split in RUNS:
        _loop(arms, split)
    print("\nA tick of the loop around a learner that does nothing, with its files, by a tick of PyTorch (RNN 64)")
    _alone()


def _alone() -> None:
    built = build(*ALONE, "arm=[hl]")
    idle: Any = Idle(built.arms["hl"].learner)
    endless = Schedule(10**9, TICKS)
    with tempfile.TemporaryDirectory() as name, settled():
        folder, pairs, tally = Path(name), Pairs([idle], None), RunningMetrics(built.measure, ("hl",))
        consumers: list[Observer] = [
            tally,
            Tables(folder, tally, pairs, ["hl"]),
            Thousands(folder, built.measure, ("hl",)),
            TensorBoard(folder, tally, pairs),
            Progress(10**9, built.labels),
        ]
        bursts = compare_bursts(built.stream, [idle], built.measure, endless, pairs)

        def whole() -> None:
            burst = next(bursts)
            for consumer in consumers:
                consumer.consume_burst(burst)

        step = bare_pytorch(build(*ALONE), fresh=True)

        def ticks() -> None:
            for _ in range(TICKS):
                step()

        compare("Lorenz, all CSV files, TensorBoard", 0.05, whole, ticks, each=TICKS)
        for consumer in consumers:
            consumer.close()


def _loop(arms: tuple[str, ...], split: str) -> None:
    wanted = (f"arm=[{','.join(arms)}]", split)
    built = build(*wanted)
    default = built.schedule
    endless = Schedule(10**9, default.log_every, default.eval_every)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pairs = Pairs(built.learners, built.reference)
        tally = RunningMetrics(built.measure, tuple(arms))
        physics = [arm for arm, of in built.arms.items() if of.coefficients]
        consumers: list[Observer] = [
            tally,
            Tables(folder, tally, pairs, physics),
            TensorBoard(folder, tally, pairs),
            Progress(10**9, built.labels),
        ]
        bursts = compare_bursts(built.stream, built.learners, built.measure, endless, pairs)

        def whole() -> None:
            steps = 0
            while steps < default.log_every:
                burst = next(bursts)
                steps += len(burst)
                for consumer in consumers:
                    consumer.consume_burst(burst)

        bare = [_bare(wanted, arm, default.log_every) for arm in arms]
        compare(f"{len(arms)} arms, {default.log_every} steps", 1.25, whole, *bare)
        for consumer in consumers:
            consumer.close()


def _bare(wanted: tuple[str, ...], arm: str, steps: int) -> Callable[[], None]:
    """A loop over a stream of its own; that of plain PyTorch as anyone writes it."""
    alone = build(*wanted)
    learner = alone.arms[arm].learner
    step = bare_pytorch(alone, fresh=True) if arm == "pytorch" else lambda: learner.step(next(alone.stream))

    def run() -> None:
        for _ in range(steps):
            step()

    return run
