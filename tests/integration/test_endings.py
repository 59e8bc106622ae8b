"""hl-run as a process: how it ends. Verdicts, divergence, signals, lost readers, sweeps, help."""

from __future__ import annotations

import json
import math
import re
import signal
import subprocess
import sys
import time
from importlib import resources
from pathlib import Path

import pytest

from tests.covering import one_in
from tests.process import FILES, LIGHT, rows, summary_of
from tests.warm import ENVIRONMENT, PATIENCE, Said, Warm, hl_run


def test_another_verdict_than_the_expected_exits_3(tmp_path: Path) -> None:
    said = hl_run(tmp_path, "expect=identical", "integrator=explicit_euler", "steps=60", "hydra.run.dir=run")
    found = summary_of(tmp_path / "run")
    assert (said.returncode, said.stderr) == (3, "")
    assert (found["verdict"], found["first_difference_step"], found["expect"]) == ("different", 1, "identical")
    assert "different: first difference at step 1" in said.stdout
    apart = [float(r["max_abs"]) for r in rows(tmp_path / "run" / "weight_difference.csv")]
    assert min(apart) > 0
    assert max(apart) == found["max_abs_weight_difference"]
    assert any(int(r["max_ulp"]) > 0 and r["first_step"] for r in rows(tmp_path / "run" / "weights.csv"))


@pytest.mark.parametrize(("expect", "code"), [("null", 0), ("round_off", 3)])
def test_divergence_stops_a_run_and_says_where(expect: str, code: int, tmp_path: Path) -> None:
    numbers = ["scenario=custom", "scenario.lr=1e38", "tau=0.5", f"expect={expect}", "steps=50"]
    said = hl_run(tmp_path, *numbers, "hydra.run.dir=run")
    folder = tmp_path / "run"
    found, curves = summary_of(folder), rows(folder / "curves.csv")
    assert (said.returncode, found["verdict"]) == (code, "diverged")
    assert [d["learner"] for d in found["diverged"]] == ["hl", "pytorch"]
    for d in found["diverged"]:
        assert f"step {d['step']}: the {d['quantity']} of {d['learner']} is not finite (tau = 0.5)" in found["reason"]
        finite = [r[f"{d['learner']}_loss"] for r in curves[: d["step"] - 1]]
        assert finite
        assert all(math.isfinite(float(cell)) for cell in finite)
        assert curves[d["step"] - 1][f"{d['learner']}_loss"] == ""
    assert len(curves) == found["steps"] < 50
    assert found["reason"] in said.stdout
    assert {p.name for p in folder.iterdir()} == FILES


LONG = ("steps=1000000",)


def signalled(number: signal.Signals, where: Path, file: str, *arguments: str) -> Said:
    """Of a run that met a signal once a file, whose name is a pattern, had begun."""
    deadline, process = time.monotonic() + PATIENCE, Warm(where, *arguments, "model=linear", "split=output")
    while not any(path.stat().st_size > 1000 for path in where.glob(file)):
        assert process.poll() is None and time.monotonic() < deadline, process.ended(0)
        time.sleep(0.1)
    process.send_signal(number)
    return process.ended()


def test_a_signal_ends_a_sweep_with_its_page(tmp_path: Path) -> None:
    said = signalled(signal.SIGINT, tmp_path, "grid/*/curves.csv", "-m", "seed=0,1,2", *LONG, "hydra.sweep.dir=grid")
    assert said.returncode == 130
    page = (tmp_path / "grid/sweep.html").read_text()
    jobs = json.loads((tmp_path / "grid/sweep.json").read_text())["jobs"]
    assert [job["status"] for job in jobs] == ["failed", "missing", "missing"]
    assert jobs[0]["folder"] in page and "hl-run -m seed=0,1,2" in page
    assert said.stdout.splitlines()[-1] == f"  go on    hl-run sweep.resume={tmp_path / 'grid'}"


def test_a_signal_while_a_job_writes_its_report_ends_the_sweep(tmp_path: Path) -> None:
    """That job is done; no other follows."""
    arguments = ("-m", "seed=0,1,2", "steps=300", "report=full", "hydra.sweep.dir=grid")
    said = signalled(signal.SIGINT, tmp_path, "grid/*/curves.png", *arguments)
    jobs = json.loads((tmp_path / "grid/sweep.json").read_text())["jobs"]
    assert said.returncode == 130
    assert [job["status"] for job in jobs] == ["done", "missing", "missing"]


@one_in(3)
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_ends_a_run_with_its_files_finished(number: signal.Signals, code: int, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    curves = folder / "curves.csv"
    said = signalled(number, tmp_path, "run/curves.csv", *LONG, "integrator=explicit_euler", "hydra.run.dir=run")
    out, found = said.stdout, summary_of(folder)
    assert (said.returncode, said.stderr) == (code, "")
    assert found["interrupted"] == number.name
    assert f"stopped by {number.name}" in out
    assert f"stopped by {number.name}" in (folder / "report.md").read_text()
    assert [int(r["step"]) for r in rows(curves)] == list(range(1, found["steps"] + 1))
    assert 0 < found["steps"] < 1_000_000
    assert found["verdict"] == "different"  # the replay for the noise floor is cut short, and says so
    assert found["steps"] <= 1000 or "judged by the steps up to" in found["reason"]
    assert int(rows(folder / "evaluation.csv")[-1]["step"]) == found["steps"]
    assert int(rows(folder / "weight_difference.csv")[-1]["step"]) == found["steps"]
    assert {p.name for p in folder.iterdir()} == FILES | {"weight_difference.png", "tensor_difference.png"}


def test_a_reader_that_goes_away_ends_no_run(tmp_path: Path) -> None:
    line = f"{sys.executable} -m hl_cli steps=20 hydra.run.dir=run | true; echo ${{PIPESTATUS[0]}}"
    said = subprocess.run(["bash", "-c", line], cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True)
    assert (said.stdout, said.stderr) == ("0\n", "")
    assert {p.name for p in (tmp_path / "run").iterdir()} == FILES


def test_a_sweep_goes_on_after_a_skipped_job(tmp_path: Path) -> None:
    jobs = ["model=linear,mlp", "split=output,state_output", "steps=20"]
    said = hl_run(tmp_path, "-m", *jobs, "hydra.sweep.dir=sweep")
    assert said.returncode == 0
    assert said.stderr.count("\n") == 1
    where = r"hl-run: job 1 \(model=linear,split=state_output,steps=20\): skipped: split=state_output: "
    assert re.match(where, said.stderr)
    folders = [p for p in (tmp_path / "sweep").iterdir() if p.is_dir() and p.name != ".locks"]
    done = {p.name.rpartition("_")[0]: {f.name for f in p.iterdir()} for p in folders}
    jobs_done = ("digits_linear_output", "digits_mlp_output", "digits_mlp_state_output")
    assert done == {f"{job}_mom_b": LIGHT for job in jobs_done}
    assert said.stdout.count("identical: ") == 3


def test_help_lists_every_option_and_imports_no_torch(tmp_path: Path) -> None:
    command = [sys.executable, "-X", "importtime", "-m", "hl_cli", "--help"]
    said = subprocess.run(command, cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True, check=True)
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in said.stderr.splitlines()}
    assert "hl_cli" in imported
    assert not imported & {"torch", "numpy", "hydra", "matplotlib", "sklearn"}
    text = " ".join(said.stdout.split())
    configs = resources.files("hl_cli.configs")
    apart = ("paths", "hydra")  # told as hydra.run.dir and hydra/sweeper
    groups = [f.name for f in configs.iterdir() if f.is_dir() and not f.name.startswith("_") and f.name not in apart]
    assert len(groups) == 11
    for group in groups:
        options = [f.name.removesuffix(".yaml") for f in (configs / group).iterdir() if f.name.endswith(".yaml")]
        assert f" {group}= " in text and all(f" {option} " in text for option in options)
    assert list(tmp_path.iterdir()) == []
