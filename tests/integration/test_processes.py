"""Several processes on this machine: the same bits as in one, and an honest end when one of them dies."""

from __future__ import annotations

import json
import shlex
import signal
import subprocess
import time
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch

from hl_cli.parallel.world import World
from tests.bits import same
from tests.covering import FULL, long, one_in
from tests.process import summary_of, torchrun
from tests.ranks import main, trained
from tests.warm import ENVIRONMENT, PATIENCE, Warm, hl_run, ranks

ROOT = Path(__file__).resolve().parents[2]
HUGE = ["scenario=custom", "scenario.beta=1e-38", "scenario.eta=0.05", "scenario.phi=3e38"]
DEEP = ["stream=digits", "model.hidden=[12,10,8,6]", "split=state"]
IMAGES = ["stream=digits", "model=cnn", "model.channels=[3,4,5]", "split=state_output", "batch_size=3", "dtype=float64"]
JOBS: dict[str, dict[str, Any]] = {
    "local": {"overrides": [*DEEP, "scheme=local", "scenario=mom_b"], "steps": 200},
    "local, stash": {"overrides": [*DEEP, "scheme=local", "scheme.stash=true", "hold=2"], "steps": 200},
    "wave, resumed": {"overrides": [*DEEP, "scheme=wave"], "steps": 60, "resumed": True},
    "blocks, resumed": {"overrides": [*DEEP, "scheme=blocks", "scenario=mom_b"], "steps": 40, "resumed": True},
    "local, resumed": {"overrides": [*DEEP, "scheme=local", "scenario=mom_b", "hold=2"], "steps": 60, "resumed": True},
    "stash, resumed": {"overrides": [*DEEP, "scheme=local", "scheme.stash=true"], "steps": 70, "resumed": True},
    "local, resumed early": {"overrides": [*DEEP, "scheme=local", "scenario=mom_b"], "steps": 15, "resumed": True},
    "local, diverged": {"overrides": [*DEEP, "scheme=local", "model.activation=relu", "scenario.lr=1e38"], "steps": 60},
    "local, one step": {"overrides": [*DEEP, "scheme=local"], "steps": 1},
    "local, after it": {"overrides": [*DEEP, "scheme=local"], "steps": 30},
    "wave": {"overrides": [*DEEP, "scheme=wave", "scenario=mom_a"], "steps": 200},
    "wave, float64": {"overrides": [*DEEP, "scheme=wave", "dtype=float64", "batch_size=4"], "steps": 100},
    "blocks": {"overrides": [*DEEP, "scheme=blocks", "scenario=mom_b"], "steps": 100},
    "blocks, diverged": {"overrides": [*DEEP, "scheme=blocks", "scenario.lr=1e38"], "steps": 100},
    "local, costate": {"overrides": [*DEEP, "scheme=local", *HUGE], "steps": 60},
    "blocks, costate": {"overrides": [*DEEP, "scheme=blocks", *HUGE], "steps": 60},
}
NORMAL = ["model=tests.ranks:normalised", "split=state", "batch_size=6", "scheme.blocks=3"]
OF_IMAGES = {
    f"normalised {s}": {"overrides": [*NORMAL, *f"scheme={s}".split()], "steps": 60, "resumed": True}
    for s in ("wave", "local", "local scheme.stash=true")
}
OF_IMAGES |= {f"cnn {s}": {"overrides": [*IMAGES, f"scheme={s}"], "steps": 40} for s in ("local", "wave", "blocks")}


@cache
def found(count: int, folder: Path, parallel: bool = False) -> dict[str, dict[str, Any]]:
    """What so many processes make of the jobs, all of them in one launch."""
    jobs = JOBS if count == 4 else {**JOBS, **OF_IMAGES}
    if parallel:
        jobs = DATA
    if count == 1:
        return {name: trained(World(), **job) for name, job in jobs.items()}
    for process in ranks(ROOT, count, json.dumps(list(jobs.values())), str(folder / "found.pt"), program=main):
        assert process.ended().returncode == 0
    return dict(zip(jobs, torch.load(folder / "found.pt"), strict=True))


DATA: dict[str, dict[str, Any]] = {
    f"{split} {dtype}": {
        "overrides": ["batch_size=12", f"split={split}", f"dtype={dtype}", "parallel=data"],
        "steps": 100,
    }
    for split in ("output", "state")
    for dtype in ("float32", "float64")
}
DATA["resumed float64"] = {**DATA["state float64"], "resumed": True}


@long
@pytest.mark.parametrize("count", [2, 3, 4] if FULL else [2])
def test_so_many_processes_end_with_the_weights_of_one(count: int, tmp_path: Path) -> None:
    alone, several = found(1, Path()), found(count, tmp_path)
    for name, here in several.items():
        one = alone[name]
        if "fault" in one:
            assert here["fault"] == one["fault"] and here["losses"] == one["losses"]
            continue
        assert here["losses"] == one["losses"], name
        assert all(torch.equal(w, one["weights"][k]) for k, w in here["weights"].items()), name
        assert torch.equal(here["y"], one["y"]), name
        if one["state"] is not None:
            assert same(here["state"], one["state"]), name
        if one["physics"] is None:  # nothing has come out of the pipeline yet
            assert here["physics"] is None, name
        else:
            assert here["physics"] == pytest.approx(one["physics"], rel=1e-12), name
    assert {name: one["fault"] for name, one in alone.items() if "fault" in one} == {
        "local, diverged": "loss is not finite at 8",
        "blocks, diverged": "loss is not finite at 2",
        "local, costate": "weight costate of block 5 is not finite at 9",
        "blocks, costate": "weight costate of block 5 is not finite at 2",
    }


def test_data_parallel_is_the_whole_batch_to_round_off(tmp_path: Path) -> None:
    """Two halves are summed in another order than the whole."""
    alone, halves = found(1, Path(), parallel=True), found(2, tmp_path, parallel=True)
    for name, one in alone.items():
        close = {"rtol": 1e-11, "atol": 1e-13} if "64" in name else {"rtol": 1e-3, "atol": 2e-6}
        for k, w in halves[name]["weights"].items():
            torch.testing.assert_close(w, one["weights"][k], **close)
        assert halves[name]["losses"] == pytest.approx(one["losses"], rel=1e-9 if "64" in name else 1e-3)
        assert halves[name]["physics"] == pytest.approx(one["physics"], rel=1e-8 if "64" in name else 1e-2)


def test_the_command_line_leads_and_reports(tmp_path: Path) -> None:
    arguments = [*DEEP, "scheme=wave", "steps=120", "expect=identical", "hydra.run.dir=run"]
    command = [*torchrun(2, tmp_path / "rendezvous"), "hl_cli", *arguments]
    said = subprocess.run(
        command, cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    summary = summary_of(tmp_path / "run")
    assert summary["verdict"] == "identical" and summary["steps"] == 120, said.stderr
    assert "at 4 compared steps" in said.stdout  # 1, 50, 100 and 120
    command = shlex.split(summary["command"])
    assert command[:6] == ["torchrun", "--nproc-per-node", "2", "-m", "hl_cli", "stream=digits"]
    assert [(b["block"], b["place"]) for b in summary["pipeline"]] == [
        (1, "cpu, rank 1"), (2, "cpu, rank 0"), (3, "cpu, rank 0"), (4, "cpu, rank 0"), (5, "cpu, rank 0"),
    ]  # fmt: skip
    assert all(b["computed"] > 0 for b in summary["pipeline"])
    assert (tmp_path / "run" / "pipeline.png").stat().st_size > 5000
    assert "pipeline.png" in (tmp_path / "run" / "report.md").read_text()


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["scheme=global"], "allowed: scheme=blocks, local, wave; parallel=data"),
        ([*DEEP, "scheme=local", "scheme.blocks=1"], "2 processes: allowed: at most 1, one a block"),
        ([*DEEP, "scheme=local", "scheme.devices=[cpu,cpu]"], "allowed: in one process only"),
        (["stream=nothing"], "stream=nothing: no such option"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(arguments: list[str], line: str, tmp_path: Path) -> None:
    ended = [process.ended() for process in ranks(tmp_path, 2, *arguments, "hydra.run.dir=run")]
    own = [text for said in ended for text in said.stderr.splitlines() if text.startswith("hl-run")]
    assert [said.returncode for said in ended] == [1, 0]  # rank 0 fails for all, the other was told to end
    assert len(own) == 1 and line in own[0]
    assert not list(tmp_path.iterdir())


def running(folder: Path, count: int = 2) -> list[Warm]:
    """A long run, well under way."""
    arguments = ["scheme=local", "steps=10000000", "log_every=20", "eval_every=0", "hydra.run.dir=run"]
    processes = ranks(folder, count, *DEEP, *arguments)
    until = time.monotonic() + PATIENCE
    curves = folder / "run" / "curves.csv"
    while time.monotonic() < until and not (curves.exists() and curves.stat().st_size > 4000):
        time.sleep(0.1)
    return processes


@one_in(2)
@pytest.mark.parametrize("rank", [0, 1])
def test_a_rank_that_dies_ends_the_others_with_a_line_that_names_it(rank: int, tmp_path: Path) -> None:
    processes = running(tmp_path, 3)
    processes[rank].send_signal(signal.SIGKILL)
    named = f"the death of rank {rank}" if rank else "the loss of rank 0, which kept the store"
    for number, process in enumerate(processes):
        said = process.ended(30)
        assert said.returncode == (-signal.SIGKILL if number == rank else 1), said
        own = [line for line in said.stderr.splitlines() if line.startswith("hl-run")]
        assert number == rank or (own and all(named in line for line in own)), said
    assert len((tmp_path / "run" / "curves.csv").read_text().splitlines()) > 100
    if rank:  # rank 0 lives, and finishes its files
        summary = summary_of(tmp_path / "run")
        assert summary["interrupted"] == "the death of rank 1"
        assert summary["steps"] == len((tmp_path / "run" / "curves.csv").read_text().splitlines()) - 1
        assert (tmp_path / "run" / "report.md").exists() and (tmp_path / "run" / "curves.png").exists()


def test_ctrl_c_ends_all_with_their_files(tmp_path: Path) -> None:
    processes = running(tmp_path)
    for process in processes:
        process.send_signal(signal.SIGINT)
    assert [process.ended(60).returncode for process in processes] == [130, 0]
    summary = summary_of(tmp_path / "run")
    assert summary["interrupted"] == "SIGINT" and summary["steps"] >= 20
    assert (tmp_path / "run" / "report.md").exists()


@long
def test_a_run_that_was_left_goes_on_in_all_its_processes(tmp_path: Path) -> None:
    """Their streams go on where that of rank 0 stood, and the pipeline with what was under way."""
    local = [*DEEP, "scheme=local", "scheme.stash=true", "hold=3"]
    assert hl_run(tmp_path, *local, "steps=100", "hydra.run.dir=whole").returncode == 0
    for last in ([*local, "steps=70", "checkpoint_every=50", "hydra.run.dir=run"], ["resume=run", "steps=100"]):
        ended = [process.ended() for process in ranks(tmp_path, 2, *last)]
        assert [said.returncode for said in ended] == [0, 0], ended
    assert "resumed   after step 50" in ended[0].stdout
    for name in ("curves.csv", "evaluation.csv"):
        assert (tmp_path / "run" / name).read_text() == (tmp_path / "whole" / name).read_text(), name
