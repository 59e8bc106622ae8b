"""engine=replay: the same bits as eager steps, without Python."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch

from hl_cli.build import Comparison
from hl_cli.errors import BadInput, NonFinite
from hl_cli.learners import replayed
from hl_cli.learners.equality import same_bits
from tests.covering import covering, one_in
from tests.integration.test_matrix import OF_IMAGES, SPLITS, WITHOUT_MEMORY

Build = Callable[..., Comparison]
STEPS = 9
KEPT = [(1, "store"), (3, "recompute"), (1, "segments"), (3, "store"), (1, "recompute")]
OTHERS = [
    ("scenario=gd_b",),
    ("scenario=mom_a", "scenario.nesterov=true", "scenario.weight_decay=0.01"),
    ("scenario=mom_b", "clip=0.5"),
    ("scenario=gd_a", "tau=0.5", "clip_value=0.1"),
    ("integrator=explicit_euler",),
    ("kinetic=relativistic", "kinetic.limit=0.01", "integrator=dissipative_leapfrog"),
    ("schedule=step", "schedule.every=4"),
    ("scenario=adamw", "clip=1"),
    ("scenario=nadam", "update_every=2"),
    ("scenario=adagrad", "scenario.lr_decay=0.1"),
]
CASES = covering(
    (model, split, dtype)
    for model, splits in SPLITS.items()
    for split in splits
    for dtype in ("float32", "float64")
    if model != "antisymmetric"  # its exponential squares as often as a number says
)


def taken(learner: Any, stream: Any, steps: int = STEPS) -> list[tuple[Any, ...]]:
    """What a learner says, step by step, and what it then is."""
    found = []
    for _ in range(steps):
        said = learner.step(next(stream))
        found.append((said.prediction, said.loss, learner.state_dict()))
    return found


@one_in(2)
@pytest.mark.parametrize("case", [*enumerate(CASES)], ids=lambda case: "-".join(case[1]))
def test_the_same_bits(build: Build, case: tuple[int, tuple[str, str, str]]) -> None:
    """Optimizers, batches and what is kept of the ticks take turns."""
    turn, (model, split, dtype) = case
    other, (batch, checkpointing) = OTHERS[turn % len(OTHERS)], KEPT[turn % len(KEPT)]
    stream = "digits" if model in OF_IMAGES or model in WITHOUT_MEMORY else "iris"
    choice = [f"stream={stream}", f"model={model}", f"split={split}", f"dtype={dtype}", f"batch_size={batch}",
              f"checkpointing={checkpointing}", *other]  # fmt: skip
    eager, replay = build(*choice), build(*choice, "engine=replay")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        expected, found = taken(eager.hl, eager.stream), taken(replay.hl, replay.stream)
    assert same_bits(found, expected)
    assert replay.hl.replayed > 0


def test_samples_of_two_sizes_and_measured_steps(build: Build) -> None:
    """Each kind of step has a recording of its own; those that are measured are eager."""
    choice = ["scenario=gd_b", "model.hidden=[5]"]  # omega and the drive change places at each step
    eager, replay = build(*choice).hl, build(*choice, "engine=replay").hl
    stream = iter(build(*choice, "batch_size=3").stream)
    for step in range(30):
        sample = next(stream)
        if step % 3 == 1:
            sample = sample._replace(inputs=sample.inputs[:2], target=sample.target[:2])
        a, b = (learner.step(sample, observe=step % 7 == 6) for learner in (eager, replay))
        assert torch.equal(a.prediction, b.prediction) and a[1:3] == b[1:3]
        assert same_bits(eager.state_dict(), replay.state_dict())
    assert replay.replayed > 10


@pytest.mark.parametrize("part", ["inputs", "omega"])
def test_what_is_not_finite_stops_it_at_the_same_step(build: Build, part: str) -> None:
    eager, replay = build("model.hidden=[5]").hl, build("model.hidden=[5]", "engine=replay").hl
    stream = build("model.hidden=[5]").stream
    for sample in [next(stream) for _ in range(8)]:
        eager.step(sample), replay.step(sample)
    assert replay.replayed
    sample = next(stream)
    if part == "inputs":
        sample.inputs[0, 0, 0] = torch.nan
    else:
        for learner in (eager, replay):
            learner.phase.omega[3] = torch.inf
    before, replayed = replay.phase.theta.clone(), replay.replayed
    stops = []
    for learner in (eager, replay):
        with pytest.raises(NonFinite) as stop:
            learner.step(sample)
        stops.append(stop.value.args)
    assert stops[0] == stops[1] and replay.replayed == replayed
    assert torch.equal(before, replay.phase.theta) and eager.steps == replay.steps


def test_a_sum_that_overflows_alone_stops_nothing(build: Build) -> None:
    choice = ["model.hidden=[5]", "scenario=mom_b", "scenario.lr=1e-40", "dtype=float32"]
    eager, replay = build(*choice).hl, build(*choice, "engine=replay").hl
    stream = build(*choice).stream
    for sample in [next(stream) for _ in range(8)]:
        eager.step(sample), replay.step(sample)
    for learner in (eager, replay):
        learner.phase.omega[:8] = 3e38
        learner.step(sample)
    assert same_bits(eager.state_dict(), replay.state_dict()) and replay.replayed > 3


def test_a_schedule_that_changes_the_rate_at_each_step_takes_the_weight_step_eagerly(build: Build) -> None:
    choice = ["model.hidden=[5]", "schedule=cosine", "steps=60"]
    eager, replay = build(*choice), build(*choice, "engine=replay")
    found = taken(replay.hl, replay.stream, 40)
    assert same_bits(found, taken(eager.hl, eager.stream, 40)) and replay.hl.replayed > 10


def test_numbers_that_python_reads_in_between_run_eagerly(build: Build) -> None:
    choice = ["stream=iris", "model=antisymmetric"]
    eager, replay = build(*choice), build(*choice, "engine=replay")
    with pytest.warns(UserWarning, match="Python reads [0-9]+ numbers in a step"):
        found = taken(replay.hl, replay.stream)
    assert same_bits(found, taken(eager.hl, eager.stream))


def test_random_numbers_of_a_step_are_drawn_again(build: Build) -> None:
    """Dropout draws in the order of an eager step."""
    choice = ["model=module", "model.factory=tests.material:dropping", "split=output"]
    eager, replay = build(*choice), build(*choice, "engine=replay")
    torch.manual_seed(3)
    expected = taken(eager.hl, eager.stream)
    torch.manual_seed(3)
    assert same_bits(taken(replay.hl, replay.stream), expected) and replay.hl.replayed


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        (["scheme=forward", "stream=iris", "model=rnn", "credit=tail"], "credit=tail.: allowed: credit=costate, elig"),
        (["scheme=blocks"], "engine=replay .scheme=blocks.: allowed: eager"),
        (["checkpointing=reverse", "model=leapfrog", "stream=iris"], "checkpointing=store, segments, recompute"),
    ],
)
def test_bad_input(build: Build, choice: list[str], words: str) -> None:
    with pytest.raises(BadInput, match=words):
        build(*choice, "engine=replay")


def test_as_many_kinds_of_steps_as_there_may_be_are_replayed(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without memory omega and the drive change places at each step: two kinds."""
    monkeypatch.setattr(replayed, "KINDS", 2)
    built = build("scenario=gd_b", "model.hidden=[5]", "engine=replay")
    taken(built.hl, built.stream)
    assert built.hl.replayed > 0 and not built.hl.eager_because


@pytest.mark.parametrize(
    ("choice", "replays"),
    [
        (["model.hidden=[5]"], True),
        (["scheme=forward", "stream=iris", "model=rnn", "credit=eligibility"], True),
        (["scheme=forward", "stream=iris", "model=rnn", "credit=tail"], False),
        (["scheme=blocks"], False),
        (["checkpointing=reverse", "model=leapfrog", "stream=iris"], False),
    ],
)
def test_auto_replays_where_it_can(build: Build, choice: list[str], replays: bool) -> None:
    eager, auto = build(*choice), build(*choice, "engine=auto")
    assert isinstance(auto.hl, replayed.ReplayedLearner) == replays == ("replayed" in auto.arms["hl"].described)
    assert same_bits(taken(auto.hl, auto.stream), taken(eager.hl, eager.stream))
