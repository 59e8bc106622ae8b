"""A run that was left and taken up again against one that nobody touched, over streams, schemes and learners."""

from __future__ import annotations

import random
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import yaml
from omegaconf import DictConfig, OmegaConf

from hl_cli import ending
from hl_cli.compare.side_by_side import StepRecord
from hl_cli.errors import BadInput
from hl_cli.interruption import Interruption
from hl_cli.reporting import checkpoints, console
from hl_cli.reporting.two_runs import compare, main
from hl_cli.restart import alone
from hl_cli.resume import Resumed, take_up
from hl_cli.run import run
from tests.material import OPTIONS, needs
from tests.process import ENVIRONMENT, hl_run, state_of

ROOT = Path(__file__).resolve().parents[2]
STEPS = 60
OFTEN = (f"steps={STEPS}", "log_every=7", "eval_every=25", "checkpoint_every=10")
FORWARD = ("scheme=forward", "stream=lorenz", "stream.ticks=3", "stream.held_out=20", "scenario=gd_a")
ALIKE = {"breast_cancer", "iris", "wine", "digits_pixels", "digits_rows", "mnist_pixels", "mnist_rows", "fashion_mnist"}
ALIKE |= {"kmnist", "cifar10", "square", "pendulum", "mass_spring"}
CASES = [(f"stream={option}",) for option in OPTIONS if option not in ALIKE] + [
    ("scheme=blocks", "split=state", "model.hidden=[8,8]"),
    ("scheme=wave", "split=state", "model.hidden=[8,8]", "hold=3"),
    ("scheme=local", "split=state", "model.hidden=[8,8]", "scheme.stash=true", "hold=2"),
    ("model=lstm", "stream=digits_rows", "split=state", "integrator=explicit_euler"),
    ("model=rotation", "stream=digits_rows", "split=state", "memory=reverse", "anchor_every=3"),
    ("stream=drift", "stream.period=17", "stream.blend=5", "stream.recurring=true", "hold=2", "dtype=float64"),
    ("batch_size=7", "scenario=mom_a", "tau=0.5", "log_every=1"),
    *((*FORWARD, "split=state_output", f"model={model}", "pytorch.window=8") for model in ("rnn", "lstm")),
    (*FORWARD, "split=state_output", "model=leapfrog", "scenario.lr=0.001", "pytorch.window=8"),
    (*FORWARD, "split=state", "model=gru", "pytorch.window=7", "scheme.reset=sample", "scheme.rise=20"),
    (*FORWARD, "stream.ticks=1", "split=state", "model=leaky_rnn", "pytorch.window=32", "free_run=20"),
    *((f"pytorch.optimizer={name}", "pytorch.lr=0.001") for name in ("adam", "nadam", "rprop")),
]  # fmt: skip
Configured = Callable[..., DictConfig]


class Killed(BaseException):
    """As sudden as it can be in one process; files are closed, so that more has reached them than after SIGKILL."""


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


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """They take longer than all these runs."""
    for module, name in (
        (ending.plots, "draw_curves"),
        (ending.plots, "draw_weight_difference"),
        (ending, "draw_physics"),
    ):
        monkeypatch.setattr(module, name, lambda *arguments: None)


def die_at(step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the run die when its last consumer has step number `step`; -1: never."""

    def consume(self: console.Progress, record: StepRecord) -> None:
        if record.step == step:
            raise Killed

    monkeypatch.setattr(console.Progress, "consume", consume)


def made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def apart(one: Path, other: Path) -> list[str]:
    return [f"{a.file}: {a.first}" for a in compare(one, other) if a.differing]


def points(folder: Path) -> list[bytes]:
    """TensorBoard's records of the steps without their times; the report has more times in it."""
    from tensorboard.backend.event_processing.event_file_loader import LegacyEventFileLoader

    files = [file for name in ("hl", "pytorch", "difference") for file in (folder / "tensorboard" / name).iterdir()]
    found = [(file.parent.name, event) for file in files for event in LegacyEventFileLoader(str(file)).Load()]
    for _, event in found:
        event.wall_time = 0
    return [name.encode() + event.SerializeToString(deterministic=True) for name, event in found]


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


@pytest.fixture
def left(configured: Configured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[DictConfig, Path]:
    """A config and the folder of its run, which died after step 35."""
    cfg, folder = configured(*OFTEN), made(tmp_path / "left")
    die_at(35, monkeypatch)
    with pytest.raises(Killed):
        run(cfg, folder)
    die_at(-1, monkeypatch)
    (folder / ".hydra" / "overrides.yaml").write_text(yaml.safe_dump(list(OFTEN)))
    return cfg, folder


def refused(cfg: DictConfig, folder: Path, resumed: Resumed | None = None) -> str:
    before = state_of(folder)
    with pytest.raises(BadInput) as caught:
        run(cfg, folder, resumed=resumed or Resumed(folder))
    assert state_of(folder) == before
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_damaged_checkpoint_is_refused_and_the_older_one_named(left: tuple[DictConfig, Path], tmp_path: Path) -> None:
    cfg, folder = left
    latest, older = checkpoints.saved(folder)
    content = bytearray(latest.read_bytes())
    for place in random.Random(0).sample(range(len(content)), 20):
        content[place] ^= 1
        latest.write_bytes(content)
        assert re.fullmatch(
            f"{re.escape(str(latest))}: damaged, .*; the older one: hl-run resume={re.escape(str(older))}",
            refused(cfg, folder),
        )
        content[place] ^= 1
    run(cfg, made(tmp_path / "whole"))
    latest.write_bytes(content[: len(content) // 2])
    run(cfg, folder, resumed=Resumed(folder, named=older))
    assert apart(tmp_path / "whole", folder) == []


def test_what_is_not_of_this_run_is_refused(left: tuple[DictConfig, Path], configured: Configured) -> None:
    cfg, folder = left
    (latest, older), kept = checkpoints.saved(folder), checkpoints.saved(folder)[0].read_bytes()
    assert "seed=1, and in the config of" in refused(configured(*OFTEN, "seed=1"), folder)
    torch.save({"weights": torch.zeros(3)}, latest)
    assert "no checkpoint of hl-run" in refused(cfg, folder)
    files = checkpoints.Checkpoints(folder, 1, 9)
    files.save(checkpoints.step_of(latest), {"format": "hl-run checkpoint 0"})
    assert "allowed: hl-run checkpoint 1" in refused(cfg, folder)
    state = checkpoints.read(older)
    for part, value, word in (
        ("config", {**state["config"], "tau": 0.5}, "tau=1.0, and in the config of the checkpoint 0.5"),
        ("processes", 2, "of 2 processes"),
        ("tables", {**state["tables"], "running.csv": 10**6}, "running.csv has"),
    ):
        files.save(checkpoints.step_of(latest), {**state, part: value})
        said = refused(cfg, folder)
        assert word in said
        assert str(latest) in said and str(older) in said
    latest.write_bytes(kept)
    with alone(folder):
        assert "a run is still going on" in refused(cfg, folder)
    with pytest.raises(BadInput, match="holds files of another run"):
        run(cfg, folder)


def test_a_disk_that_is_full_leaves_whole_rows(
    left: tuple[DictConfig, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cfg, folder = left
    before = checkpoints.saved(folder)
    with monkeypatch.context() as full:
        full.setattr(
            checkpoints.os, "fsync", lambda number: (_ for _ in ()).throw(OSError(28, "No space left on device"))
        )
        with pytest.raises(OSError, match="No space left"):
            run(cfg, folder, resumed=Resumed(folder))
    assert checkpoints.saved(folder) == before
    assert not [*(folder / "checkpoints").glob("*.tmp")]
    run(cfg, folder, resumed=Resumed(folder))
    run(cfg, made(tmp_path / "whole"))
    assert apart(tmp_path / "whole", folder) == []


def test_arguments_beside_resume(left: tuple[DictConfig, Path], tmp_path: Path) -> None:
    _, folder = left
    place = f"hydra.run.dir='{folder}'"
    assert take_up(["seed=1"]) == (["seed=1"], None)
    assert take_up([f"resume={folder}"]) == ([*OFTEN, place], Resumed(folder))
    more = [f"steps={STEPS + 1}", *OFTEN[1:], "keep_checkpoints=4", place]
    assert take_up([f"resume={folder}", "keep_checkpoints=4", f"steps={STEPS + 1}"])[0] == more
    (folder / "summary.json").write_text('{"interrupted": null}')
    _, resumed = take_up([f"resume={folder}"])
    assert resumed is not None and resumed.done.endswith(f"finished after {STEPS} steps; steps=MORE goes on")
    for arguments, word in (
        ([f"resume={folder}", "steps=59"], "begun with steps=60; allowed: at least as many"),
        ([f"resume={folder}", "steps=many"], "allowed: a whole number"),
        ([f"resume={folder}", "seed=1"], "seed=1: the config of a run stays as it is"),
        ([f"resume={folder}", "-m"], "-m: the config of a run stays as it is"),
        ([f"resume={tmp_path}/none"], "no such folder"),
        ([f"resume={tmp_path}"], "no run has begun there"),
        (["resume="], "allowed: the folder of one run"),
    ):
        with pytest.raises(BadInput, match=re.escape(word)):
            take_up(arguments)


def test_compare_tells_where_two_runs_part(
    configured: Configured, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, same, other = (made(tmp_path / name) for name in ("one", "same", "other"))
    run(configured(*OFTEN), one)
    run(configured(*OFTEN), same)
    cfg = configured(*OFTEN, "scenario.momentum=0.3")
    run(cfg, other)
    capsys.readouterr()
    assert main([str(one), str(same)]) == 0
    assert "equal: every number of both runs, to the bit" in capsys.readouterr().out
    assert main([str(one), str(other)]) == 3
    said = capsys.readouterr().out
    # the loss of step 1 is of before the first update, that of step 2 after one without momentum
    assert re.search(r"first difference in curves.csv: hl_loss, step 3: [\d.]+ and [\d.]+", said)
    assert "first difference in final weights: " in said
    assert main([str(one), str(tmp_path)]) == 1
    assert main([str(one)]) == 1
    assert capsys.readouterr().err.count("\n") == 2


def test_killed_for_real(tmp_path: Path) -> None:
    """A few moments of scripts/soak."""
    command = [sys.executable, str(ROOT / "scripts" / "soak.py"), "--kills", "4", "--seed", "5", "forward"]
    said = subprocess.run(command, cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True, timeout=280)
    assert said.returncode == 0, said.stdout + said.stderr
    assert re.search(r"^4 moments .*: all equal$", said.stdout, re.MULTILINE)


def test_resume_and_a_dry_run_as_commands(tmp_path: Path) -> None:
    said = hl_run(tmp_path, *OFTEN, "dry_run=true", "hydra.run.dir=run")
    assert (said.returncode, said.stderr, [*tmp_path.iterdir()]) == (0, "", [])
    assert "curves.csv             60 rows" in said.stdout
    assert re.search(r"time +about [\d.]+ m?s: 60 steps of", said.stdout)
    said = hl_run(tmp_path, *OFTEN, "hydra.run.dir=run")
    assert said.returncode == 0
    before = state_of(tmp_path / "run")
    said = hl_run(tmp_path, "resume=run")
    assert (said.returncode, said.stderr) == (0, "")
    assert said.stdout == f"hl-run: {tmp_path}/run: finished after 60 steps; steps=MORE goes on\n"
    assert state_of(tmp_path / "run") == before
    said = hl_run(tmp_path, "resume=run", "steps=70")
    assert (said.returncode, said.stderr) == (0, "")
    assert "resumed   after step " in said.stdout
    assert OmegaConf.load(tmp_path / "run" / ".hydra" / "overrides.yaml")[0] == "steps=70"
