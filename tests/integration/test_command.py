"""hl-run as a process: what it writes, prints and exits with; determinism, refusal, divergence, signals, sweeps."""

from __future__ import annotations

import csv
import json
import math
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pytest
from omegaconf import OmegaConf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from hl_cli.build import Comparison

OPTIONS = ["steps=120", "log_every=10", "eval_every=50", "seed=3"]
PHI, PHI_FIRST = 0.7, 1.0  # of scenario mom_b, the default
PATIENCE = 300  # seconds until a process counts as hung
CURVES = "step,hl_loss,pytorch_loss,hl_accuracy,pytorch_accuracy"
HEADERS = {
    "curves.csv": CURVES,
    "evaluation.csv": CURVES,
    "weight_difference.csv": "step,max_abs,mean_abs,relative,max_ulp",
    "weights.csv": "tensor,shape,max_abs,mean_abs,relative,max_ulp,first_step",
    "physics.csv": "step,hamiltonian,loss_term,kinetic,state_costate_norm,weight_costate_norm,weight_norm",
}
FILES = {*HEADERS, "summary.json", "report.md", "curves.png", "weight_difference.png", ".hydra", "tensorboard"}
HL_RUN = (sys.executable, "-m", "hl_cli")
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "HYDRA_FULL_ERROR"}

Said = subprocess.CompletedProcess[str]
First = tuple[Path, Said]


def hl_run(where: Path, *arguments: str) -> Said:
    command = [*HL_RUN, *arguments]
    return subprocess.run(command, cwd=where, env=ENVIRONMENT, capture_output=True, text=True, timeout=PATIENCE)


def rows(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file, after a look at its header."""
    assert path.read_text().splitlines()[0] == HEADERS[path.name]
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def summary_of(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "summary.json").read_text())


def state_of(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {
        str(p.relative_to(folder)): (p.stat().st_mtime_ns, p.read_bytes() if p.is_file() else b"")
        for p in [folder, *folder.rglob("*")]
    }


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> First:
    """The folder of a run, which was there and empty, and what the run said."""
    folder = tmp_path_factory.mktemp("command") / "first"
    folder.mkdir()
    return folder, hl_run(folder.parent, *OPTIONS, "hydra.run.dir=first")


def test_a_run_says_what_it_did(first: First) -> None:
    folder, said = first
    assert (said.returncode, said.stderr) == (0, "")
    assert "identical: every weight equal bit for bit" in said.stdout
    assert re.search(r"folder +first$", said.stdout, re.MULTILINE)
    assert "tensorboard --logdir first/tensorboard" in said.stdout
    assert {p.name for p in folder.iterdir()} == FILES
    for name in ("curves.png", "weight_difference.png"):
        assert (folder / name).read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
        picture = plt.imread(folder / name)
        assert min(picture.shape[:2]) > 300
        assert picture.std() > 0.02  # something is drawn
    report = (folder / "report.md").read_text()
    assert "**identical**" in report
    assert " ".join(["    hl-run", *OPTIONS]) in report
    assert OmegaConf.load(folder / ".hydra" / "overrides.yaml") == OPTIONS
    config = OmegaConf.load(folder / ".hydra" / "config.yaml")
    assert (config.steps, config.seed, config.scenario.name, config.model.hidden) == (120, 3, "mom_b", [32])


def test_the_tables_of_a_run(first: First, build: Callable[..., Comparison]) -> None:
    folder, _ = first
    curves = rows(folder / "curves.csv")
    measured = [1, *range(10, 121, 10)]
    steps = {"curves.csv": [*range(1, 121)], "evaluation.csv": [50, 100, 120]}
    steps |= {"weight_difference.csv": measured, "physics.csv": measured}
    assert {name: [int(r["step"]) for r in rows(folder / name)] for name in steps} == steps
    cells = [cell for name in HEADERS for r in rows(folder / name) for cell in [*r.values()][1:] if "." in cell]
    assert all(repr(float(cell)) == cell for cell in cells)  # nothing is rounded
    assert any(len(r["hl_loss"]) > 12 for r in curves)
    assert all(r["hl_loss"] == r["pytorch_loss"] and r["hl_accuracy"] in ("0.0", "1.0") for r in curves)

    physics = rows(folder / "physics.csv")
    assert all(math.isfinite(float(cell)) for r in physics for cell in r.values())
    for r in physics:
        phi = PHI_FIRST if r["step"] == "1" else PHI
        assert float(r["loss_term"]) == pytest.approx(phi * float(curves[int(r["step"]) - 1]["hl_loss"]), rel=1e-12)
    assert all(float(r["kinetic"]) > 0 and float(r["state_costate_norm"]) > 0 for r in physics[1:])

    tensors = {r["tensor"]: r["shape"] for r in rows(folder / "weights.csv")}
    shapes = {name: "x".join(map(str, w.shape)) for name, w in build(*OPTIONS).pytorch.weights().items()}
    assert tensors == shapes
    assert {r["max_ulp"] + r["first_step"] for r in rows(folder / "weights.csv")} == {"0"}


def test_the_summary_of_a_run(first: First) -> None:
    folder, _ = first
    found, curves, held_out = summary_of(folder), rows(folder / "curves.csv"), rows(folder / "evaluation.csv")
    assert (found["verdict"], found["first_difference_step"]) == ("identical", None)
    assert (found["steps"], found["window"], found["max_abs_weight_difference"]) == (120, 100, 0.0)
    for learner in ("hl", "pytorch"):
        of = found[learner]
        assert of["final_loss"] == pytest.approx(sum(float(r[f"{learner}_loss"]) for r in curves[-100:]) / 100)
        assert of["accuracy"] == pytest.approx(sum(float(r[f"{learner}_accuracy"]) for r in curves[-100:]) / 100)
        assert of["held_out_accuracy"] == float(held_out[-1][f"{learner}_accuracy"])
        assert of["held_out_loss"] == float(held_out[-1][f"{learner}_loss"])
        assert of["steps_per_second"] > 0
    expected = {"tau": 1.0, "beta": 0.02, "eta": 0.3, "phi": PHI, "phi_first": PHI_FIRST}
    expected |= {"lr": 0.02, "momentum": 0.7, "dampening": 0.3, "weight_decay": 0.0}
    assert found["coefficients"] == pytest.approx(expected)
    assert (found["seed"], found["threads"], found["dtype"], found["interrupted"]) == (3, 1, "float32", None)
    assert {"hl-run", "python", "torch", "hydra-core"} <= set(found["versions"])
    assert (folder / found["config"] / "config.yaml").exists()


def test_tensorboard_reads_the_events_of_a_run(first: First) -> None:
    folder, _ = first
    events = {p.name: EventAccumulator(str(p)).Reload() for p in (folder / "tensorboard").iterdir()}
    tags = {name: set(one.Tags()["scalars"]) for name, one in events.items()}
    assert {"loss", "accuracy", "held_out/loss", "held_out/accuracy"} <= tags["hl"] & tags["pytorch"]
    assert tags["difference"] == {f"weight_difference/{tag}" for tag in ("max_abs", "mean_abs", "relative", "max_ulp")}
    curves = rows(folder / "curves.csv")
    for learner in ("hl", "pytorch"):
        points = {p.step: p.value for p in events[learner].Scalars("loss")}
        assert list(points) == [1, *range(10, 121, 10)]
        assert points[20] == pytest.approx(sum(float(r[f"{learner}_loss"]) for r in curves[10:20]) / 10, rel=1e-6)


def test_the_same_config_gives_the_same_bits(first: First) -> None:
    folder, _ = first
    said = hl_run(folder.parent, *OPTIONS, "hydra.run.dir=second")
    assert said.returncode == 0
    for name in HEADERS:
        assert (folder.parent / "second" / name).read_bytes() == (folder / name).read_bytes()


def test_the_folder_of_a_run_is_refused_and_left_as_it_is(first: First) -> None:
    folder, _ = first
    before = state_of(folder)
    said = hl_run(folder.parent, "steps=5", "hydra.run.dir=first")
    assert (said.returncode, said.stdout) == (1, "")
    assert said.stderr == (
        f"hl-run: hydra.run.dir={folder}: holds files of another run; allowed: a new or an empty folder\n"
    )
    assert state_of(folder) == before


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


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_a_run_with_its_files_finished(number: signal.Signals, code: int, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    curves = folder / "curves.csv"
    deadline = time.monotonic() + PATIENCE
    command = [
        *HL_RUN,
        "steps=1000000",
        "model=linear",
        "split=output",
        "integrator=explicit_euler",
        "hydra.run.dir=run",
    ]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=tmp_path, env=ENVIRONMENT, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            while not (curves.exists() and curves.stat().st_size > 1000):
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.1)
            process.send_signal(number)
            out, err = process.communicate(timeout=PATIENCE)
        finally:
            process.kill()
    found = summary_of(folder)
    assert (process.returncode, err) == (code, "")
    assert found["interrupted"] == number.name
    assert f"stopped by {number.name}" in out
    assert f"stopped by {number.name}" in (folder / "report.md").read_text()
    assert [int(r["step"]) for r in rows(curves)] == list(range(1, found["steps"] + 1))
    assert 0 < found["steps"] < 1_000_000
    assert found["verdict"] == "different"  # the replay for the noise floor is cut short, and says so
    assert found["steps"] <= 1000 or "judged by the steps up to" in found["reason"]
    assert int(rows(folder / "evaluation.csv")[-1]["step"]) == found["steps"]
    assert int(rows(folder / "weight_difference.csv")[-1]["step"]) == found["steps"]
    assert {p.name for p in folder.iterdir()} == FILES


def test_a_reader_that_goes_away_ends_no_run(tmp_path: Path) -> None:
    line = f"{sys.executable} -m hl_cli steps=20 hydra.run.dir=run | true; echo ${{PIPESTATUS[0]}}"
    said = subprocess.run(["bash", "-c", line], cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True)
    assert (said.stdout, said.stderr) == ("0\n", "")
    assert {p.name for p in (tmp_path / "run").iterdir()} == FILES


def test_a_sweep_goes_on_after_a_refused_job(tmp_path: Path) -> None:
    jobs = ["model=linear,mlp", "split=output,state_output", "steps=20"]
    said = hl_run(tmp_path, "-m", *jobs, "hydra.sweep.dir=sweep")
    assert said.returncode == 1
    assert said.stderr.count("\n") == 1
    assert re.match(r"hl-run: job 1 \(model=linear,split=state_output,steps=20\): split=state_output: ", said.stderr)
    done = {p.name: {f.name for f in p.iterdir()} for p in (tmp_path / "sweep").iterdir() if p.is_dir()}
    jobs_done = ("0_digits_linear_output", "2_digits_mlp_output", "3_digits_mlp_state_output")
    assert done == {f"{job}_mom_b": FILES for job in jobs_done}
    assert said.stdout.count("identical: ") == 3


def test_help_lists_every_option_and_imports_no_torch(tmp_path: Path) -> None:
    command = [sys.executable, "-X", "importtime", "-m", "hl_cli", "--help"]
    said = subprocess.run(command, cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True, check=True)
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in said.stderr.splitlines()}
    assert "hl_cli" in imported
    assert not imported & {"torch", "numpy", "hydra", "matplotlib", "sklearn"}
    text = " ".join(said.stdout.split())
    configs = resources.files("hl_cli.configs")
    groups = [f.name for f in configs.iterdir() if f.is_dir() and not f.name.startswith("_") and f.name != "paths"]
    assert len(groups) == 7  # paths has one option, and its one field is told as hydra.run.dir
    for group in groups:
        options = sorted(f.name.removesuffix(".yaml") for f in (configs / group).iterdir() if f.name.endswith(".yaml"))
        assert f" {group}= {', '.join(options)} " in text
    assert list(tmp_path.iterdir()) == []
