"""The whole loop, with files, TensorBoard and comparison, by the sum of the bare loops of its arms."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from itertools import islice
from pathlib import Path

from ratios import bare_pytorch, build, compare

from hl_cli.compare.observer import Observer
from hl_cli.compare.pairs import Pairs
from hl_cli.compare.running_metrics import RunningMetrics
from hl_cli.compare.schedule import Schedule
from hl_cli.compare.side_by_side import compare_arms
from hl_cli.reporting.progress import Progress
from hl_cli.reporting.tables import Tables
from hl_cli.reporting.tensorboard import TensorBoard

RUNS = (
    (("hl", "pytorch"), "split=state_output"),
    (("hl", "pytorch", "adam", "hl_wave", "hl_explicit", "frozen"), "split=state"),
)


def loop() -> None:
    print("\nThe whole loop with files and TensorBoard, by the sum of the bare loops of its arms (MLP, batch 1)")
    for arms, split in RUNS:
        _loop(arms, split)


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
        records = compare_arms(built.stream, built.learners, built.measure, endless, pairs)

        def whole() -> None:
            for record in islice(records, default.log_every):
                for consumer in consumers:
                    consumer.consume(record)

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
