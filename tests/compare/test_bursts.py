"""Steps taken in bursts: consumers write and keep the same as step by step, and bursts end where the schedule looks."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from pathlib import Path

import pytest

from hl_cli.build import Comparison
from hl_cli.compare.observer import Observer
from hl_cli.compare.pairs import Pairs
from hl_cli.compare.running_metrics import RunningMetrics
from hl_cli.compare.schedule import Schedule
from hl_cli.compare.side_by_side import LONGEST, compare_arms, compare_bursts
from hl_cli.compare.weight_growth import WeightGrowth
from hl_cli.reporting.tables import Tables
from hl_cli.reporting.tensorboard import TensorBoard
from hl_cli.reporting.thousands import Thousands
from tests.bits import same

CASES = {
    "values, one arm": (
        "stream=sine", "stream.ticks=1", "model=linear", "split=output", "arm=[hl]", "steps=2345", "log_every=2500",
    ),
    "values, one diverges": (
        "stream=sine", "stream.ticks=1", "model=linear", "split=output", "arm=[hl,pytorch,adam]", "arms.adam.lr=1e37",
        "steps=1210", "log_every=70",
    ),
    "classes, all diverge": ("scenario=custom", "scenario.lr=1e38", "steps=300", "log_every=40"),
    "classes, different": ("integrator=explicit_euler", "steps=130", "log_every=40"),
}  # fmt: skip


def written(built: Comparison, folder: Path, bursts: bool) -> tuple[list[object], int]:
    """The states of all consumers, and the steps taken."""
    folder.mkdir()
    names, pairs = tuple(built.arms), Pairs(built.comparable, built.reference)
    tally = RunningMetrics(built.measure, names)
    physics = [name for name, arm in built.arms.items() if arm.coefficients]
    consumers: list[Observer] = [
        tally,
        WeightGrowth(built.learners),
        Tables(folder, tally, pairs, physics),
        Thousands(folder, built.measure, names),
        TensorBoard(folder, tally, pairs),
    ]
    told = (built.stream, built.learners, built.measure, built.schedule, pairs)
    if bursts:
        for burst in compare_bursts(*told):
            assert len(burst) <= LONGEST and burst.notable[-1].step == burst.last
            for consumer in consumers:
                consumer.consume_burst(burst)
    else:
        for record in compare_arms(*told):
            for consumer in consumers:
                consumer.consume(record)
    states = [consumer.state_dict() for consumer in consumers]
    since = states.pop()["since"]  # the files of TensorBoard have times
    for consumer in consumers:
        consumer.close()
    return [*states, since, pairs.state_dict()], tally.steps


@pytest.mark.parametrize("case", CASES)
def test_files_and_states_are_those_of_single_steps(
    case: str, build: Callable[..., Comparison], tmp_path: Path
) -> None:
    (one, steps), (many, last) = (
        written(build("eval_every=100", *CASES[case]), tmp_path / name, name == "bursts")
        for name in ("steps", "bursts")
    )
    assert steps == last
    assert all(same(a, b) or str(a) == str(b) for a, b in zip(many, one, strict=True))  # NaN differs from itself
    files = sorted(path.name for path in (tmp_path / "steps").glob("*.csv"))
    assert "curves.csv" in files and "thousands.csv" in files
    for name in files:
        assert (tmp_path / "bursts" / name).read_bytes() == (tmp_path / "steps" / name).read_bytes(), name


def test_a_burst_ends_at_the_next_step_at_which_anything_is_looked_at() -> None:
    for log, evaluate, (period, blend), limit in product((1, 7, 50), (0, 10), ((0, 0), (9, 0), (12, 5)), (1, 8, 1000)):
        schedule = Schedule(100, log, evaluate, period, blend)
        for step in range(100):
            stops = next(k for k in range(1, 101) if k == limit or schedule.stops(step + k))
            assert schedule.burst(step, limit) == stops
