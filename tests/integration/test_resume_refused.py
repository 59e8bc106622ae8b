"""What a run does not go on from, and that it says why and leaves everything as it is."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest
import torch
from omegaconf import DictConfig

from hl_cli.errors import BadInput
from hl_cli.reporting import checkpoints
from hl_cli.runs.restart import alone
from hl_cli.runs.resume import Resumed, take_up
from hl_cli.runs.run import run
from tests.broken_off import OFTEN, STEPS, Configured, apart, leave, made, refused

pytestmark = pytest.mark.usefixtures("no_pictures")


@pytest.fixture
def left(configured: Configured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[DictConfig, Path]:
    """A config and the folder of its run, which died after step 35."""
    cfg, folder = configured(*OFTEN), made(tmp_path / "left")
    leave(cfg, folder, 35, monkeypatch)
    return cfg, folder


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
    assert "allowed: hl-run checkpoint 2" in refused(cfg, folder)
    state = checkpoints.read(older)
    for part, value, word in (
        ("config", {**state["config"], "tau": 0.5}, "tau=1.0, and in the config of the checkpoint 0.5"),
        ("processes", 2, "of 2 processes"),
        ("tables", {**state["tables"], "running.csv": [10**6, ""]}, "running.csv has"),
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
    assert take_up([f"resume={folder}"]) == ([*OFTEN, place], Resumed(folder, free=()))
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
