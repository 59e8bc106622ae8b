"""hl_cli.load: the learners of a run in Python again. They say what they said in the run, and go on with its bits."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from hydra import compose, initialize_config_module
from hydra.core.global_hydra import GlobalHydra
from hydra.version import VersionBase

import hl_cli
from hl_cli.errors import BadInput
from hl_cli.reporting.checkpoints import saved
from hl_cli.runs.run import run
from tests.broken_off import made
from tests.covering import one_in
from tests.material import Coin
from tests.material import net as plain

pytestmark = pytest.mark.usefixtures("no_pictures")
STEPS = 40
OPTIONS = (f"steps={STEPS}", "log_every=5", "eval_every=20", "checkpoint_every=15", "keep_checkpoints=9")
FORWARD = ("scheme=forward", "stream=lorenz", "stream.ticks=3", "scenario=gd_a", "split=state_output", "model=rnn")
CASES = [
    ("arm=[hl,pytorch,adam,frozen]", "scenario.lr=0.003"),
    ("stream=drift", "stream.period=17", "stream.blend=5", "hold=2", "predictions=true"),
    ("scheme=local", "split=state", "model.hidden=[8,8]", "scheme.stash=true"),
    (*FORWARD, "stream.held_out=20", "pytorch.window=8"),
    ("schedule=cosine", "clip=0.5", "dtype=float64"),
    ("model=module", "model.factory=tests.runs.test_load:dropping", "arm=[hl]"),
]


class Forgetful(Coin):
    """A user's stream that does not say where it is."""

    state_dict = hl_cli.Stream.state_dict


def dropping(**shapes: Any) -> torch.nn.Module:
    """A user's net that draws from torch's own generator."""
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Dropout(0.3), *plain(**shapes)[1:])


def ran(folder: Path, *options: str, given: tuple[str, ...] = OPTIONS) -> Path:
    """The folder of a run of these options, as hl-run leaves it."""
    overrides = [*given, *options]
    GlobalHydra.instance().clear()
    with initialize_config_module("hl_cli.configs", version_base="1.3"):
        cfg = compose("run", overrides=overrides)
    run(cfg, made(folder))
    (folder / ".hydra" / "overrides.yaml").write_text(yaml.safe_dump(overrides))
    return folder


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture
def folder(kept: Path, tmp_path: Path) -> Path:
    """A copy of the folder of a plain run."""
    if not (kept / "run").exists():
        ran(kept / "run")
    return Path(shutil.copytree(kept / "run", tmp_path / "run"))


def test_a_loaded_learner_says_what_the_run_evaluated(folder: Path) -> None:
    loaded, summary = hl_cli.load(folder), json.loads((folder / "summary.json").read_text())
    held_out = loaded.stream.held_out()
    assert list(loaded) == ["hl", "pytorch"] and loaded.step == STEPS
    for name, learner in loaded.items():
        said = learner.predict(held_out.inputs)
        right = (said.argmax(1) == held_out.target).double().mean()
        assert float(right) == summary[name]["held_out_accuracy"]
        loss = float(torch.nn.functional.cross_entropy(said, held_out.target))
        assert loss == pytest.approx(summary[name]["held_out_loss"], rel=1e-6)


@one_in(2)
@pytest.mark.parametrize("case", CASES, ids=" ".join)
def test_steps_by_hand_have_the_bits_of_an_unbroken_run(case: tuple[str, ...], tmp_path: Path) -> None:
    folder = ran(tmp_path / "run", *case)
    end = hl_cli.load(folder)
    begun = hl_cli.load(saved(folder)[-1])
    assert end.step == STEPS and 0 < begun.step < STEPS
    begun.draw_on()
    for sample in islice(begun.stream, STEPS - begun.step):
        for learner in begun.values():
            learner.step(sample)
    assert list(begun) == list(end) and "hl" in end
    for name in end:
        one, other = begun[name].weights(), end[name].weights()
        assert one and all(torch.equal(one[key], other[key]) for key in other), name
    assert torch.equal(next(begun.stream).inputs, next(end.stream).inputs)


def test_the_stream_can_be_left_and_taken_up_before_its_first_sample(folder: Path) -> None:
    one, other = (hl_cli.load(saved(folder)[-1]).stream for _ in range(2))
    before = one.state_dict()
    samples = list(islice(one, 3))
    list(islice(other, 5))
    other.load_state_dict(before)
    assert all(torch.equal(a.inputs, b.inputs) for a, b in zip(samples, islice(other, 3), strict=True))


def test_hydra_and_random_numbers_stay_as_they_are(folder: Path) -> None:
    def draws() -> list[float]:
        return [float(torch.rand(())), float(np.random.rand()), random.random()]

    def seed() -> None:
        torch.manual_seed(5), np.random.seed(5), random.seed(5)

    GlobalHydra.instance().clear()
    with initialize_config_module("hl_cli.configs", version_base="1.2"):
        hydra, version = GlobalHydra.instance().hydra, VersionBase.instance().getbase()
        seed()
        expected = draws()
        seed()
        hl_cli.load(folder)
        assert draws() == expected
        assert GlobalHydra.instance().hydra is hydra and VersionBase.instance().getbase() == version


def test_configs_of_the_user_are_found_again(folder: Path, tmp_path: Path) -> None:
    own = made(tmp_path / "own")
    made(own / "experiment")
    (own / "experiment" / "mine.yaml").write_text("# @package _global_\nsteps: 40\n")
    (folder / ".hydra" / "overrides.yaml").write_text(yaml.safe_dump(["experiment=mine", *OPTIONS[1:]]))
    with pytest.raises(BadInput, match="experiment=mine: no such option"):
        hl_cli.load(folder)
    sources = [{"provider": "command-line", "path": str(own), "schema": "file"}]
    (folder / ".hydra" / "hydra.yaml").write_text(yaml.safe_dump({"hydra": {"runtime": {"config_sources": sources}}}))
    assert hl_cli.load(folder).step == STEPS
    shutil.rmtree(own)
    assert "--config-dir" in refused(folder)


def test_an_arm_that_diverged_is_not_given_as_if_it_had_learnt(tmp_path: Path) -> None:
    loaded = hl_cli.load(ran(tmp_path / "run", "arm=[hl,pytorch]", "arms.hl.lr=1e38"))
    assert list(loaded) == ["pytorch"] and "hl" not in loaded
    with pytest.raises(KeyError, match="hl has diverged"):
        _ = loaded["hl"]
    with pytest.raises(KeyError, match="adam is no arm of this run; there are: pytorch"):
        _ = loaded["adam"]


def refused(path: Path) -> str:
    """Why a folder is not loaded, in one line."""
    with pytest.raises(BadInput) as caught:
        hl_cli.load(path)
    assert "\n" not in str(caught.value) and str(path) in str(caught.value)
    return str(caught.value)


def test_what_is_no_run_is_refused(folder: Path, tmp_path: Path) -> None:
    assert "no such folder" in refused(tmp_path / "nothing")
    assert "no run has begun there" in refused(made(tmp_path / "empty"))
    assert "no run has begun there" in refused(Path(__file__))
    (folder / ".hydra" / "overrides.yaml").write_text("[1]")
    assert "overrides.yaml: damaged" in refused(folder)
    (folder / ".hydra" / "overrides.yaml").write_text("[stream=nothing]")
    assert "stream=nothing: no such option" in refused(folder)


def test_why_no_checkpoint_was_kept_is_said(folder: Path, tmp_path: Path) -> None:
    own = ("stream=plugin", "stream.factory=tests.runs.test_load:Forgetful")
    assert "Forgetful cannot be resumed: it needs state_dict" in refused(ran(tmp_path / "own", *own))
    assert "checkpoint_every=0" in refused(ran(tmp_path / "none", "steps=3", given=("checkpoint_every=0",)))
    shutil.rmtree(folder / "checkpoints")
    assert "they were removed" in refused(folder)
    (folder / "summary.json").unlink()
    assert "broken off before the first one, which comes after 15 steps" in refused(folder)


DAMAGE: list[tuple[Callable[[bytes], bytes], str]] = [
    (lambda data: data[:100], "damaged"),
    (lambda data: data[:500] + bytes([data[500] ^ 1]) + data[501:], "damaged"),
    (lambda data: b"", "damaged"),
]


@pytest.mark.parametrize(("damage", "word"), DAMAGE)
def test_a_damaged_checkpoint_is_named_and_the_older_one_is_loaded(
    damage: Callable[[bytes], bytes], word: str, folder: Path
) -> None:
    latest, older, *_ = saved(folder)
    latest.write_bytes(damage(latest.read_bytes()))
    said = refused(folder)
    assert str(latest) in said and word in said and f'hl_cli.load("{older}")' in said
    assert hl_cli.load(older).checkpoint == older


def test_a_checkpoint_of_another_config_is_refused(folder: Path) -> None:
    (folder / ".hydra" / "overrides.yaml").write_text(yaml.safe_dump([*OPTIONS, "seed=3"]))
    assert "seed=3, and in the config of the checkpoint 0" in refused(folder)
