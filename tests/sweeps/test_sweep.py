"""Sweeps: which job is which, a ledger that many processes write, the columns of the table, how it is laid out."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_module
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig

from hl_cli.reporting.sweep_pivot import Layout, layout, pivot
from hl_cli.reporting.sweep_table import columns, ranked, scores_of, write_tables
from hl_cli.sweeps.identity import config_hash, content, difference
from hl_cli.sweeps.manifest import JobRecord, Manifest, ManifestFile
from hl_cli.sweeps.plan import choices_of, with_command


def composed(*overrides: str) -> DictConfig:
    GlobalHydra.instance().clear()
    with initialize_config_module("hl_cli.configs", version_base="1.3"):
        return compose("run", overrides=list(overrides))


def test_a_job_is_its_resolved_config() -> None:
    one = config_hash(composed("scenario=mom_a"))
    same = ("scenario=custom", "scenario.name=mom_a", "scenario.lr=0.01", "scenario.momentum=0.9",
            "scenario.dampening=0", "scenario.weight_decay=0", "paths.outputs=x", "sweep.resume=y",
            "checkpoint_every=7", "report=none")  # fmt: skip
    assert config_hash(composed(*same)) == one
    for other in ("seed=1", "steps=4999", "model=rnn", "scenario.lr=0.02", "tau=0.5"):
        assert config_hash(composed("scenario=mom_a", other)) != one


def test_bases_differ_only_outside_of_what_is_swept() -> None:
    base, other = content(composed()), content(composed("steps=7", "model=rnn", "scenario.lr=0.3"))
    assert difference(base, base, []) is None
    assert difference(base, other, ["steps", "model", "scenario.lr"]) is None
    assert difference(base, other, ["model", "scenario"]) == "steps=5000 there, steps=7 here"
    assert difference(base, other, ["steps", "model"]) == "scenario.lr=0.02 there, scenario.lr=0.3 here"
    assert (
        difference(base, other, ["steps", "scenario", "model.name"]) == "model.hidden=[32] there, model.hidden=32 here"
    )


def test_many_jobs_do_not_write_their_tables_at_every_change(tmp_path: Path) -> None:
    """Each time until 32 jobs have ended; then after a 16th more; always when they are asked for."""
    ledger, table, written = ManifestFile(tmp_path), tmp_path / "sweep.csv", []
    with ledger.change(Manifest({}, ["seed"], [])) as book:
        for seed in range(50):
            book.add({"seed": f"{seed}"})
    for k in range(50):
        table.unlink(missing_ok=True)
        with ledger.change() as book:
            book.jobs[k].status = "failed"
        written.append(table.is_file())
    assert all(written[:31]) and sum(written[31:]) == 9
    table.unlink(missing_ok=True)
    ledger.tell(ledger.read())
    with table.open() as file:
        assert [row["status"] for row in csv.DictReader(file)] == ["failed"] * 50


ADD = """
import sys
from pathlib import Path
from hl_cli.sweeps.manifest import ManifestFile
for k in range(20):
    with ManifestFile(Path(sys.argv[1])).change() as book:
        book.add({"seed": f"{sys.argv[2]}{k}"})
"""


def test_a_ledger_that_many_processes_write_loses_nothing(tmp_path: Path) -> None:
    ledger = ManifestFile(tmp_path)
    with ledger.change(Manifest({}, ["seed"], [])):
        pass
    writers = [subprocess.Popen([sys.executable, "-c", ADD, str(tmp_path), str(name)]) for name in range(3)]
    while any(writer.poll() is None for writer in writers):
        ledger.read()  # whole at any moment
        with (tmp_path / "sweep.csv").open() as file:
            assert all(None not in row.values() for row in csv.DictReader(file))
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    jobs = ledger.read().jobs
    assert sorted(entry.job for entry in jobs) == list(range(60))
    assert {entry.choices["seed"] for entry in jobs} == {f"{name}{k}" for name in range(3) for k in range(20)}
    with (tmp_path / "sweep.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 60


def test_a_job_is_found_by_its_hash_before_its_choices() -> None:
    done = JobRecord(0, {"model": "mlp"}, "done", config_hash="a")
    planned = JobRecord(1, {"model": "mlp", "seed": "0"})
    book = Manifest({"seed": 0, "model": {"name": "rnn"}}, ["model"], [], [done, planned])
    assert book.find("a", {"model": "mlp", "seed": "0"}) is done
    assert book.jobs == [done] and book.swept == ["model", "seed"]
    new = book.find("b", {"model": "gru"})
    assert [new.job, len(book.jobs)] == [1, 2]
    assert [(row["model"], row["seed"]) for row in book.rows()] == [("mlp", "0"), ("gru", "0")]


def test_resume_brings_its_command_along(tmp_path: Path) -> None:
    with ManifestFile(tmp_path).change(Manifest({}, ["seed"], ["hydra/launcher=joblib", "seed=1,2"])):
        pass
    where = f"'{tmp_path}'"
    last = [f"sweep.resume={where}", f"hydra.sweep.dir={where}"]
    assert with_command([f"sweep.resume={tmp_path}"]) == ["-m", "hydra/launcher=joblib", "seed=1,2", *last]
    assert with_command(["-m", "seed=3", f"sweep.resume={tmp_path}"]) == ["-m", "seed=3", *last]
    assert with_command(["-m", "seed=3"]) == ["-m", "seed=3"]
    assert choices_of(["+seed=3", "steps=2", "model=mlp"], ["model", "seed"]) == {"model": "mlp", "seed": "3"}


def test_a_metric_that_only_some_streams_have_has_its_columns() -> None:
    def summary(metric: str) -> dict[str, Any]:
        of = {"final_loss": 1.0, metric: 2.0, "held_out_loss": 3.0, f"held_out_{metric}": float("nan")}
        learner = {**of, "cumulative_loss": 5.0, f"cumulative_{metric}": 6.0, "steps_per_second": 4.0}
        arms = {"arms": ["hl", "pytorch"], "reference": "pytorch", "hl": learner, "pytorch": learner}
        stream = {"shuffled": metric == "accuracy"}
        rest = {
            "verdict": "identical",
            "main": metric,
            "max_abs_weight_difference": 0.0,
            "diverged": [],
            "stream": stream,
        }
        return {"metrics": [metric], "labels": {"hl": "HL", "pytorch": "PyTorch"}, **arms, **rest}

    rows = [{"job": k, **scores_of(summary(metric))} for k, metric in enumerate(("accuracy", "r2"))]
    assert rows[0]["hl_held_out_accuracy"] is None and rows[1]["pytorch_cumulative_r2"] == 6.0
    assert [row["judged_by"] for row in rows] == ["held_out_accuracy", "cumulative_r2"]
    assert columns(rows, ["stream"]) == [
        "job", "stream", "verdict", "hl_final_loss", "pytorch_final_loss", "hl_accuracy", "pytorch_accuracy", "hl_r2",
        "pytorch_r2", "hl_cumulative_loss", "pytorch_cumulative_loss", "hl_cumulative_accuracy",
        "pytorch_cumulative_accuracy", "hl_cumulative_r2", "pytorch_cumulative_r2", "hl_held_out_loss",
        "pytorch_held_out_loss", "hl_held_out_accuracy", "pytorch_held_out_accuracy", "hl_held_out_r2",
        "pytorch_held_out_r2", "main", "judged_by", "max_abs_weight_difference",
        "diverged", "hl_steps_per_second", "pytorch_steps_per_second", "folder", "status", "error", "config_hash",
    ]  # fmt: skip


def test_jobs_on_a_stream_are_ranked_by_what_was_said_before_it_was_learnt(tmp_path: Path) -> None:
    scores = (0.1, None, 0.7, 0.4)
    rows: list[dict[str, Any]] = [
        {"job": k, "judged_by": "cumulative_r2", "hl_final_loss": 1.0, "hl_cumulative_r2": score, "status": "done"}
        for k, score in enumerate(scores)
    ]
    assert [row["job"] for row in ranked(rows)] == [2, 3, 0, 1]
    write_tables(tmp_path, rows, [])
    page = [line.split("|")[1].strip() for line in (tmp_path / "sweep.md").read_text().splitlines() if "| done" in line]
    assert page == ["2", "3", "0", "1"]
    with (tmp_path / "sweep.csv").open() as file:
        assert [row["job"] for row in csv.DictReader(file)] == ["0", "1", "2", "3"]  # as they were asked for
    sets = [row | {"judged_by": "held_out_accuracy"} for row in rows]
    assert ranked(sets) == sets
    assert ranked([rows[0], sets[2]]) == [rows[0], sets[2]]


@pytest.mark.parametrize(
    ("swept", "wanted"),
    [
        (["model", "split", "scenario", "stream"], Layout(("stream", "model"), ("scenario",), ("split",))),
        (["seed", "tau", "scenario.lr"], Layout(("scenario.lr",), ("seed",), ("tau",))),
        (["split", "seed"], Layout((), ("seed",), ("split",))),
    ],
)
def test_keys_become_panels_colours_and_markers(swept: list[str], wanted: Layout) -> None:
    assert layout(swept) == wanted


def test_the_table_of_weight_differences() -> None:
    rows = [
        {"scenario": s, "split": p, "status": "done" if s == "a" else "failed", "gap": 0.5 if s == "a" else None}
        for p in ("output", "state")
        for s in ("a", "b")
    ]
    wanted = [["", "a", "b"], ["output", 0.5, "failed"], ["state", 0.5, "failed"]]
    assert pivot(rows, ["split", "scenario"], "gap") == wanted
