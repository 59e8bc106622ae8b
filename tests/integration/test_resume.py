"""A run that was left and taken up again against one that nobody touched, over streams, schemes and learners."""

from __future__ import annotations

import random
import signal
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from hl_cli.compare import pace
from hl_cli.reporting import checkpoints
from hl_cli.reporting.two_runs import compare
from hl_cli.runs.resume import Resumed
from hl_cli.runs.run import run
from hl_cli.runs.signals import Interruption
from tests.broken_off import OFTEN, STEPS, Configured, Killed, apart, die_at, made
from tests.covering import FULL, one_in
from tests.material import OPTIONS, needs

FORWARD = ("scheme=forward", "stream=lorenz", "stream.ticks=3", "stream.held_out=20", "scenario=gd_a")
ALIKE = {"breast_cancer", "iris", "wine", "digits_pixels", "digits_rows", "mnist_pixels", "mnist_rows", "fashion_mnist"}
ALIKE |= {"kmnist", "cifar10", "square", "pendulum", "mass_spring", "three_body", "double_pendulum"}
STREAMS = [option for option in OPTIONS if option not in ALIKE][:: 1 if FULL else 2]
CASES = [(f"stream={option}",) for option in STREAMS] + [
    ("scheme=blocks", "split=state", "model.hidden=[8,8]"),
    ("scheme=wave", "split=state", "model.hidden=[8,8]", "hold=3"),
    ("scheme=local", "split=state", "model.hidden=[8,8]", "scheme.stash=true", "hold=2"),
    ("model=lstm", "stream=digits_rows", "split=state", "integrator=explicit_euler"),
    ("model=rotation", "stream=digits_rows", "split=state", "checkpointing=reverse", "anchor_every=3"),
    ("stream=drift", "stream.period=17", "stream.blend=5", "stream.recurring=true", "hold=2", "dtype=float64"),
    ("batch_size=7", "scenario=mom_a", "tau=0.5", "log_every=1"),
    *((*FORWARD, "split=state_output", f"model={model}", "arms.pytorch.window=8") for model in ("rnn", "lstm")),
    (*FORWARD, "split=state_output", "model=leapfrog", "scenario.lr=0.001", "arms.pytorch.window=8"),
    (*FORWARD, "split=state", "model=gru", "arms.pytorch.window=7", "scheme.reset=sample", "scheme.rise=20"),
    (*FORWARD, "stream.ticks=1", "split=state", "model=leaky_rnn", "arms.pytorch.window=32", "free_run=20"),
    ("engine=compiled", "scenario=mom_b"),
    ("engine=replay", "batch_size=3", "scenario=adam"),
    (*FORWARD, "stream.ticks=1", "split=state_output", "model=rnn", "arms.pytorch.window=8", "engine=replay"),
    (*FORWARD, "stream.ticks=1", "model=rnn", "model.hidden=4", "arms.pytorch.window=8", "engine=compiled"),
    *((f"arms.pytorch.optimizer={name}", "arms.pytorch.lr=0.001") for name in ("adam", "nadam", "rprop")),
]  # fmt: skip
pytestmark = pytest.mark.usefixtures("no_pictures")


@pytest.fixture(autouse=True)
def no_time_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """How often a signal is asked for depends on nothing else then."""
    monkeypatch.setattr(pace, "perf_counter", lambda: 0.0)


class At(Interruption):
    """A signal that comes when it is asked for the n-th time."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times

    def __call__(self) -> bool:
        self.times -= 1
        if self.times == 0:
            self.received = signal.SIGTERM
        return self.received is not None


def points(folder: Path) -> list[bytes]:
    """TensorBoard's records of the steps without their times; the report has more times in it."""
    from tensorboard.backend.event_processing.event_file_loader import LegacyEventFileLoader

    files = [file for name in ("hl", "pytorch", "difference") for file in (folder / "tensorboard" / name).iterdir()]
    found = [(file.parent.name, event) for file in files for event in LegacyEventFileLoader(str(file)).Load()]
    for _, event in found:
        event.wall_time = 0
    return [name.encode() + event.SerializeToString(deterministic=True) for name, event in found]


@one_in(2)
@pytest.mark.parametrize("case", CASES, ids=lambda case: " ".join(case))
def test_a_resumed_run_equals_an_unbroken_one(
    case: tuple[str, ...], configured: Configured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = next((part.partition("=")[2] for part in case if part.startswith("stream=")), "digits")
    cfg = configured(*OFTEN, *needs(stream), *case)
    whole, broken = made(tmp_path / "whole"), made(tmp_path / "broken")
    run(cfg, whole)
    draw = random.Random(" ".join(case))
    resumed = None
    for step in sorted(draw.sample(range(1, STEPS + 1), 1 if case[0].startswith("stream=") else 2)):
        die_at(step, monkeypatch)
        with pytest.raises(Killed):
            run(cfg, broken, resumed=resumed)
        resumed = Resumed(broken)
    die_at(-1, monkeypatch)
    run(cfg, broken, resumed=resumed)
    assert apart(whole, broken) == []
    assert points(whole) == points(broken)
    assert {a.file for a in compare(whole, broken)} >= {"curves.csv", "running.csv", "weights.csv", "final weights"}


def test_a_signal_leaves_a_run_that_goes_on(configured: Configured, tmp_path: Path) -> None:
    cfg = configured(*OFTEN, "integrator=explicit_euler", "checkpoint_every=0", "keep_checkpoints=1")
    whole, broken = made(tmp_path / "whole"), made(tmp_path / "broken")
    run(cfg, whole)
    assert not (whole / "checkpoints").exists()
    assert run(cfg, broken, stop=At(5)).exit_code == 143
    for times in (1, 2, 4):  # also at once, and within the replay of the noise floor, whose step asks too
        assert run(cfg, broken, stop=At(times), resumed=Resumed(broken)).exit_code == 143
        assert apart(whole, broken)
        assert len(checkpoints.saved(broken)) == 1
    assert run(cfg, broken, resumed=Resumed(broken)).exit_code == 0
    assert apart(whole, broken) == []


def test_a_signal_in_the_closing_leaves_a_run_that_goes_on(configured: Configured, tmp_path: Path) -> None:
    cfg = configured(*OFTEN, "integrator=explicit_euler")
    whole, broken = made(tmp_path / "whole"), made(tmp_path / "broken")
    run(cfg, whole)
    counting = At(10**6)
    run(cfg, made(tmp_path / "counted"), stop=counting)
    asked = 10**6 - counting.times
    assert run(cfg, broken, stop=At(asked - STEPS // 2)).exit_code == 143
    assert checkpoints.is_end(checkpoints.saved(broken)[0])
    assert run(cfg, broken, resumed=Resumed(broken)).exit_code == 0
    assert apart(whole, broken) == []


def test_more_steps_are_those_of_a_longer_run(configured: Configured, tmp_path: Path) -> None:
    short, long = configured(*OFTEN, "steps=33", "keep_checkpoints=2"), configured(*OFTEN)
    whole, raised = made(tmp_path / "whole"), made(tmp_path / "raised")
    run(long, whole)
    run(short, raised)
    assert [path.name for path in checkpoints.saved(raised)] == ["end-000000033.pt", "step-000000021.pt"]
    run(long, raised, resumed=Resumed(raised))
    assert apart(whole, raised) == []
    assert OmegaConf.load(raised / ".hydra" / "config.yaml").steps == STEPS


def test_a_run_that_diverges_goes_on(configured: Configured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cfg = configured(*OFTEN, "scenario=custom", "scenario.lr=40", "stream=wine", "model=linear", "split=output")
    cfg.pytorch.optimizer, cfg.pytorch.lr = "adam", 1e-3  # only one of them
    whole, broken = made(tmp_path / "whole"), made(tmp_path / "broken")
    cfg.scenario.lr = 3e38
    found = run(cfg, whole).summary
    assert [d["learner"] for d in found["diverged"]] == ["hl"]
    die_at(found["diverged"][0]["step"] + 25, monkeypatch)
    with pytest.raises(Killed):
        run(cfg, broken)
    die_at(-1, monkeypatch)
    run(cfg, broken, resumed=Resumed(broken))
    assert apart(whole, broken) == []
