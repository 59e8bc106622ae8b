"""hl-run -m as a process: kills, broken jobs, resume, other launchers and sweepers, and the files of a sweep."""

from __future__ import annotations

import csv
import json
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pytest
import yaml
from hydra import compose, initialize_config_module
from hydra.core.global_hydra import GlobalHydra
from tensorboard.backend.event_processing.plugin_event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import metadata, plugin_data_pb2

from hl_cli.runs.run import run
from hl_cli.sweeps.manifest import ManifestFile
from tests.covering import long
from tests.process import hl_run_from_nothing, state_of, summary_of

pytestmark = pytest.mark.usefixtures("no_pictures")  # of jobs; those of sweeps are drawn
QUICK = ["model=linear", "split=output", "eval_every=0", "hydra.sweep.dir=sweep"]
SAME = ("curves.csv", "running.csv", "evaluation.csv", "weight_difference.csv", "weights.csv", "physics.csv")


@pytest.fixture
def soak(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.syspath_prepend(str(Path(__file__).resolve().parents[2] / "scripts"))
    import sweep_soak

    yield sweep_soak
    sys.modules.pop("sweep_soak", None)


@pytest.fixture
def sweep(invoke: Any) -> Any:
    """sweep("-m", "steps=5,6"): hl-run in this process; its exit code and what it said."""
    return invoke


def table(folder: Path) -> list[dict[str, str]]:
    with (folder / "sweep.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@long
def test_a_killed_sweep_goes_on_and_redoes_only_what_is_missing(
    soak: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Six jobs, one broken, one wild: killed after one or more, gone on with by two processes."""
    jobs, folder = 6, tmp_path / "broken"
    soak.kill_when(soak.sweep(tmp_path, *soak.asked(jobs), "hydra.sweep.dir=broken"), folder, 1)
    before = soak.finished(folder)
    assert len(table(folder)) == jobs and 1 <= len(before) < jobs
    resumed = ["sweep.resume=broken", *soak.asked(jobs), "hydra/launcher=joblib", "hydra.launcher.n_jobs=2"]
    assert soak.sweep(tmp_path, *resumed).wait() == 1  # a job failed
    assert soak.check_kept(folder, before) == jobs - 1
    rows = table(folder)
    assert [row["seed"] for row in rows] == [str(k) for k in range(jobs)] and len({r["folder"] for r in rows}) == jobs
    assert "the sensor is gone" in rows[2]["error"] and rows[2]["verdict"] == rows[2]["hl_final_loss"] == ""
    assert "hl is not finite" in rows[4]["error"] and rows[4]["verdict"] == rows[4]["status"] == "diverged"
    assert {row["verdict"] for k, row in enumerate(rows) if k not in (2, 4)} == {"identical"}
    monkeypatch.chdir(tmp_path)
    for row in (rows[0], rows[5]):  # of a plain process and of a worker, against a run in this one
        alone = tmp_path / row["folder"]
        alone.mkdir()
        GlobalHydra.instance().clear()
        with initialize_config_module("hl_cli.configs", version_base="1.3"):
            own = ["stream=plugin", "stream.factory=moody:Moody", f"seed={row['seed']}", *soak.CHOICES]
            run(compose("run", overrides=own), alone)
        for name in SAME:
            assert (alone / name).read_bytes() == (folder / row["folder"] / name).read_bytes()
    page = (folder / "sweep.md").read_text()
    assert "6 jobs: 4 done, 1 failed, 1 diverged" in page and "the sensor is gone" in page
    assert min(plt.imread(folder / "sweep.png").shape[:2]) > 300
    for row in rows:
        if row["verdict"]:
            found = summary_of(folder / row["folder"])
            assert float(row["hl_final_loss"]) == found["hl"]["final_loss"]
            held_out = found["pytorch"]["held_out_accuracy"]
            assert row["pytorch_held_out_accuracy"] == ("" if held_out is None else str(held_out))
            assert float(row["max_abs_weight_difference"]) == found["max_abs_weight_difference"]


def test_a_sweep_resumed_by_itself_runs_what_failed_and_refuses_another(sweep: Any, tmp_path: Path) -> None:
    folder = tmp_path / "sweep"
    code, _, err = sweep("-m", *QUICK, "stream=text", "stream.path=later.txt", "steps=5,6")
    assert (code, err.count("\n")) == (1, 2) and not folder.exists()  # no job ever ran
    code, _, err = sweep("-m", *QUICK, "steps=5,0")
    assert code == 1 and err.startswith("hl-run: job 1 (") and "steps=0: allowed" in err
    assert [row["status"] for row in table(folder)] == ["done", "failed"]
    done = state_of(folder / table(folder)[0]["folder"])
    code, out, err = sweep("sweep.resume=sweep")
    assert code == 1 and err.startswith("hl-run: job 1 (") and "against" not in out
    assert state_of(folder / table(folder)[0]["folder"]) == done
    before = state_of(folder)
    for command, line in (
        (["sweep.resume=sweep", *QUICK[:3], "steps=5,7", "seed=3"], "seed=0 there, seed=3 here, so their rows"),
        (["sweep.resume=sweep", "steps=5,7"], "model.name=linear there, model.name=mlp here"),
        (["sweep.resume=nowhere"], "hl-run: sweep.resume=nowhere: is no sweep"),
        (["-m", *QUICK, "steps=5"], "holds files of another run; allowed: a new or an empty folder; sweep.resume="),
    ):
        code, _, err = sweep(*command)
        assert (code, err.count("\n")) == (1, 1) and line in err
    with ManifestFile(folder).lock("sweep", "the sweep"):
        code, _, err = sweep("sweep.resume=sweep")
    assert (code, err.count("\n")) == (1, 1) and "still running" in err
    assert state_of(folder) == before
    assert not (tmp_path / "nowhere").exists()


def test_combinations_without_meaning_are_skipped_and_new_ones_join(sweep: Any, tmp_path: Path) -> None:
    folder = tmp_path / "sweep"
    choice = ["steps=5", "eval_every=0", "hydra.sweep.dir=sweep"]
    code, _, err = sweep("-m", "model=linear", "split=state_output,output", *choice)
    assert code == 0 and err.startswith("hl-run: job 0 (") and "): skipped: split=state_output: model=linear" in err
    code, _, _ = sweep("-m", "split=output", "model=mlp,linear", "seed=1,0", *choice[:2], "sweep.resume=sweep")
    rows = table(folder)
    assert code == 0 and list(rows[0])[:4] == ["job", "split", "model", "seed"]
    found = [(r["split"], r["model"], r["seed"], r["status"]) for r in rows]
    assert found == [
        ("state_output", "linear", "0", "skipped"),
        ("output", "linear", "0", "done"),  # the same job under another name: not run again
        ("output", "mlp", "1", "done"),
        ("output", "mlp", "0", "done"),
        ("output", "linear", "1", "done"),
    ]
    assert [row["job"] for row in rows] == ["0", "1", "2", "3", "4"] and len({r["config_hash"] for r in rows}) == 5
    code, _, _ = sweep("-m", "model=linear", "split=state_output", *choice[:2], "hydra.sweep.dir=nothing")
    assert code == 1  # nothing but skipped


@long
def test_the_values_of_a_sweep_may_be_a_glob_or_a_shuffled_range(sweep: Any, tmp_path: Path) -> None:
    values = [
        "scenario=glob(gd*)",
        "seed=shuffle(range(0,2))",
        "hydra/job_logging=default",
        "hydra.output_subdir=.hydra",
    ]
    code, _, err = sweep("-m", *QUICK, "steps=2", *values)
    assert (code, err) == (0, "")
    rows = table(tmp_path / "sweep")
    assert {(row["scenario"], row["seed"]) for row in rows} == {(s, k) for s in ("gd_a", "gd_b") for k in "01"}
    assert {row["status"] for row in rows} == {"done"}  # Hydra's own files in their folders do not hinder them
    assert all((tmp_path / "sweep" / row["folder"] / ".hydra" / "config.yaml").is_file() for row in rows)


def test_optuna_takes_no_glob(sweep: Any, tmp_path: Path) -> None:
    pytest.importorskip("optuna")
    for values, line in (("scenario=glob(gd*)", "choice(A,B)"), ("tau=interval(1,0)", "an interval that goes up")):
        code, _, err = sweep("-m", *QUICK, "hydra/sweeper=optuna", values)
        assert code == 1 and line in err.splitlines()[-1]  # the import of optuna may log
    assert [*tmp_path.iterdir()] == []


def test_optuna_minimises_the_held_out_loss_and_every_job_is_in_the_hparams_table(sweep: Any, tmp_path: Path) -> None:
    pytest.importorskip("optuna")
    search = ["hydra/sweeper=optuna", "hydra.sweeper.n_trials=3", "hydra.sweeper.n_jobs=1"]
    sampler = ["hydra/sweeper/sampler=random", "hydra.sweeper.sampler.seed=1"]
    space = ["scenario=custom", "scenario.lr=interval(0.001,0.1)", "dtype=choice(float32,float64)", "steps=30"]
    assert sweep("-m", *QUICK, *search, *sampler, *space)[0] == 0
    rows = table(tmp_path / "sweep")
    best = yaml.safe_load((tmp_path / "sweep" / "optimization_results.yaml").read_text())
    losses = {float(row["hl_held_out_loss"]): row for row in rows}
    assert len(rows) == 3 and best["best_value"] == min(losses) < max(losses)
    assert best["best_params"]["scenario.lr"] == float(losses[min(losses)]["scenario.lr"])
    for row in rows:
        events = EventAccumulator(str(tmp_path / "sweep" / row["folder"] / "tensorboard" / "hparams")).Reload()
        start = plugin_data_pb2.HParamsPluginData.FromString(
            events.SummaryMetadata(metadata.SESSION_START_INFO_TAG).plugin_data.content
        ).session_start_info
        assert start.hparams["scenario.lr"].number_value == float(row["scenario.lr"])
        assert start.hparams["dtype"].string_value == row["dtype"]
        (final,) = events.Tensors("final/hl_held_out_loss")
        assert math.isclose(final.tensor_proto.float_val[0], float(row["hl_held_out_loss"]), rel_tol=1e-6)


@long
def test_submitit_runs_jobs_in_processes_of_its_own(tmp_path: Path) -> None:
    pytest.importorskip("submitit")
    said = hl_run_from_nothing(tmp_path, "-m", *QUICK, "hydra/launcher=submitit_local", "steps=5")
    assert (said.returncode, said.stderr) == (0, "")
    rows = table(tmp_path / "sweep")
    assert [(row["status"], row["verdict"]) for row in rows] == [("done", "identical")]
    assert all(json.loads((tmp_path / "sweep" / row["folder"] / "summary.json").read_text()) for row in rows)
