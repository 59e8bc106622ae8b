"""Files that were damaged, or made by a stranger, between the stop of a run and its resume, or before its report."""

from __future__ import annotations

import hashlib
import json
import os
import re
from pathlib import Path

import pytest
from omegaconf import DictConfig

from hl_cli.errors import BadInput
from hl_cli.reporting import checkpoints, columns, sums
from hl_cli.reporting.tables import Tables
from hl_cli.runs import same_run
from hl_cli.runs.resume import Resumed, take_up
from hl_cli.runs.run import run
from tests.broken_off import OFTEN, Configured, apart, leave, made, refused
from tests.covering import long
from tests.process import state_of

pytestmark = pytest.mark.usefixtures("no_pictures")
Left = tuple[DictConfig, Path]


@pytest.fixture
def left(configured: Configured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Left:
    """A config with tasks and predictions, and the folder of its run, which died after step 35."""
    cfg = configured(*OFTEN, "stream=digits_by_class", "stream.period=9", "predictions=true", "eval_every=10")
    folder = made(tmp_path / "left")
    leave(cfg, folder, 35, monkeypatch)
    return cfg, folder


@long
def test_one_flipped_bit_in_any_file_that_goes_on_is_refused_before_training(left: Left, tmp_path: Path) -> None:
    cfg, folder = left
    growing = same_run.files_of(checkpoints.read(checkpoints.saved(folder)[0]))
    csv = {"curves", "evaluation", "running", "weight_difference", "tensor_difference", "physics", "tasks"}
    assert {f"{name}.csv" for name in csv | {"thousands", "predictions"}} < set(growing)
    assert sum(name.startswith("tensorboard/") for name in growing) == 3
    for name, (size, _) in growing.items():
        content = bytearray((folder / name).read_bytes())
        for place in (0, size // 2, size - 1):
            content[place] ^= 4
            (folder / name).write_bytes(content)
            said = refused(cfg, folder)
            assert re.search(f"{re.escape(str(folder / name))}: damaged: .*; the older one: hl-run resume=", said), said
            content[place] ^= 4
        (folder / name).write_bytes(content)
    (folder / "curves.csv").write_bytes((folder / "curves.csv").read_bytes() + b"\xff\x00 of after the checkpoint")
    run(cfg, folder, resumed=Resumed(folder))
    run(cfg, made(tmp_path / "whole"))
    assert apart(tmp_path / "whole", folder) == []


def test_the_report_reads_what_was_written(
    configured: Configured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that turns a bit of a closed file: the parts that read it are not written, and say why."""
    closed = Tables.close

    def close(self: Tables) -> None:
        closed(self)
        content = bytearray((tmp_path / "physics.csv").read_bytes())
        content[-4] ^= 1
        (tmp_path / "physics.csv").write_bytes(content)

    monkeypatch.setattr(Tables, "close", close)
    outcome = run(configured(*OFTEN), tmp_path)
    assert outcome.exit_code == 1
    assert any("physics.csv: damaged: its check sum" in str(error) for error in outcome.errors.values())
    assert [name for name in outcome.errors if "curves" in name] == []
    with pytest.raises(BadInput, match="damaged"):
        columns.read(tmp_path / "physics.csv")


def test_sums_are_those_of_the_files(configured: Configured, tmp_path: Path) -> None:
    run(configured(*OFTEN), tmp_path)
    lines = (tmp_path / sums.FILE).read_text().splitlines()
    assert len(lines) == 11 and "weights.csv" in lines[-1]
    for line in lines:
        digest, name = line.split("  ")
        assert hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() == digest


def test_a_damaged_config_is_no_change_that_was_asked_for(left: Left) -> None:
    """steps= may be another than before, but only where the command says so."""
    cfg, folder = left
    file = folder / ".hydra" / "overrides.yaml"
    file.write_text(file.read_text().replace("steps=60", "steps=61"))
    _, resumed = take_up([f"resume={folder}"])
    cfg.steps = 61  # what Hydra composes of it
    assert "steps=61, and in the config of" in refused(cfg, folder, resumed)


NAMES = (
    "../victim.txt",
    "../../victim.txt",
    "/tmp/victim.txt",
    "sub/x.csv",
    "x.csv\n",
    ".hydra/config.yaml",
    "a\0.csv",
)


@long
def test_a_checkpoint_of_a_stranger_names_only_files_of_a_run(left: Left, tmp_path: Path) -> None:
    cfg, folder = left
    victim = tmp_path / "victim.txt"
    victim.write_text("dear")
    latest = checkpoints.saved(folder)[0]
    state = checkpoints.read(latest)
    events = state["tensorboard"]
    step = checkpoints.step_of(latest)
    for name in NAMES:
        for changed in (
            {"tables": {**state["tables"], name: [2, ""]}},
            {"tensorboard": {**events, "files": {**events["files"], "hl": [name, [2, ""]]}}},
            {"tensorboard": {**events, "files": {**events["files"], name: events["files"]["hl"]}}},
        ):
            checkpoints.Checkpoints(folder, 1, 9).save(step, {**state, **changed})
            assert "allowed: the files of a run, in its own folder" in refused(cfg, folder)
    for part in ("tensorboard", "tables", "thousands", "config", "rest", "made_with", "resumed"):
        for wrong in (None, [], "x", 3):
            checkpoints.Checkpoints(folder, 1, 9).save(step, {**state, part: wrong})
            if (part, wrong) != ("resumed", []):  # as if it had never been
                assert str(latest) in refused(cfg, folder), (part, wrong)
    assert victim.read_text() == "dear"


@pytest.mark.parametrize("name", ["curves.csv", "report.md", "tensorboard/hl", "checkpoints/x.tmp", "SHA256SUMS.tmp"])
def test_no_link_is_followed(left: Left, tmp_path: Path, name: str) -> None:
    cfg, folder = left
    elsewhere = made(tmp_path / "elsewhere")
    (elsewhere / "victim.txt").write_text("dear")
    path = folder / name
    if path.is_dir():
        path.rename(tmp_path / "moved")
        path.symlink_to(elsewhere)
    else:
        path.unlink(missing_ok=True)
        path.symlink_to(elsewhere / "victim.txt")
    assert f"{path}: is a link; allowed: files and folders" in refused(cfg, folder)
    path.unlink()
    if not name.startswith("tensorboard"):
        os.mkfifo(path)
        with pytest.raises(BadInput, match="is a special file"):
            run(cfg, folder, resumed=Resumed(folder))
    assert state_of(elsewhere)["victim.txt"][1] == b"dear"


def test_a_ledger_of_a_stranger_names_only_folders_of_its_sweep(tmp_path: Path) -> None:
    from hl_cli.sweeps.manifest import FILE, Manifest, ManifestFile
    from hl_cli.sweeps.plan import Plan, check_resume

    ledger = ManifestFile(tmp_path)
    with ledger.change(Manifest({"model": {"name": "a"}, "stream": {"name": "b"}}, [], [])) as book:
        book.add({})
    said = json.loads((tmp_path / FILE).read_text())
    del said["sha256"]  # a stranger would make a right one
    outside, kind = "job 0: folder .*; allowed: a name inside", r".*job 0: a value of another type"
    names = {
        "../victim": outside,
        "/tmp/victim": outside,
        "a/../../victim": outside,
        "a\0": outside,
        3: kind,
        None: kind,
    }
    for name, reason in names.items():
        said["jobs"][0]["folder"] = name
        (tmp_path / FILE).write_text(json.dumps(said))
        with pytest.raises(BadInput, match=f"{FILE}:? ?{reason}"):
            ledger.read()
    said["jobs"][0]["folder"] = "a/b"
    (tmp_path / FILE).write_text(json.dumps(said))
    assert ledger.read().jobs[0].folder == "a/b"
    victim = tmp_path / "victim.txt"
    victim.write_text("dear")
    for name in (f"{FILE}.tmp", "sweep.csv.tmp", "sweep.md.tmp"):
        (tmp_path / name).symlink_to(victim)
    with ledger.change():
        pass
    assert victim.read_text() == "dear"
    (tmp_path / "a").symlink_to(tmp_path)
    with pytest.raises(BadInput, match="a: is a link"):
        check_resume(Plan(tmp_path, {}, [], [], []), "sweep.resume=there")
    (tmp_path / FILE).rename(tmp_path / "other")
    (tmp_path / FILE).symlink_to(tmp_path / "other")
    with pytest.raises(OSError, match="symbolic"):
        ledger.read()
