"""What repetitions say: intervals against textbook numbers, pairing by seed, equal budgets."""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hydra import compose, initialize_config_module
from hydra.core.global_hydra import GlobalHydra
from scipy import stats

from hl_cli.errors import BadInput
from hl_cli.studies.intervals import BOOTSTRAP_FROM, spread
from hl_cli.studies.plan import StudyPlan
from hl_cli.studies.study import study_of
from hl_cli.studies.summary import findings, repetitions
from hl_cli.studies.tables import page, write_study
from hl_cli.studies.tuning import candidates, choose
from hl_cli.sweeps import joined
from hl_cli.sweeps.manifest import Manifest, ManifestFile
from hl_cli.sweeps.plan import study_plan


def test_the_interval_of_a_few_is_students() -> None:
    values = [0.1, 0.4, 0.35, 0.8, 0.2]
    low, high = stats.t.interval(0.95, 4, loc=np.mean(values), scale=stats.sem(values))
    found = spread(values)
    assert found.interval == "t" and found.low == pytest.approx(low) and found.high == pytest.approx(high)
    assert found.sd == pytest.approx(np.std(values, ddof=1)) and found.median == 0.35


@pytest.mark.parametrize("n", [5, 20])
def test_the_interval_covers_the_mean_as_often_as_it_says(n: int) -> None:
    """Of 400 samples of a normal law 95 % hold its mean, give or take three standard errors."""
    dice = np.random.default_rng(1)
    trials = 400 if n < BOOTSTRAP_FROM else 120
    held = sum(
        found.low <= 3.0 <= found.high  # type: ignore[operator]
        for found in (spread(list(dice.normal(3.0, 2.0, n))) for _ in range(trials))
    )
    least = 0.95 - 3 * math.sqrt(0.95 * 0.05 / trials) - (0.03 if n >= BOOTSTRAP_FROM else 0.0)
    assert held / trials >= least
    assert spread(list(dice.normal(size=n))).interval == ("t" if n < BOOTSTRAP_FROM else "bootstrap")


def test_one_that_diverged_is_the_worst_and_leaves_no_mean() -> None:
    found = spread([0.5, None, 0.7], larger_is_better=True)
    assert (found.n, found.missing, found.mean, found.low) == (3, 1, None, None)
    assert found.median == 0.5 and found.q25 is None
    assert spread([None, None]).median is None and spread([2.0]).interval == ""


def row(seed: int, hl: float | None, pytorch: float, **more: Any) -> dict[str, Any]:
    scores = {"hl_final_loss": hl, "pytorch_final_loss": pytorch, "hl_accuracy": hl, "pytorch_accuracy": pytorch}
    return {"job": seed, "seed": str(seed), "status": "done", "reference": "pytorch", **scores, **more}


def test_arms_are_paired_by_seed_and_settings_apart() -> None:
    rows = [row(k, 1.0 + k, 2.0 + k, model="rnn") for k in range(4)] + [row(9, 5.0, 5.0, model="gru")]
    rows += [row(10, 0.0, 9.0, model="rnn", status="failed")]
    found = {(f.setting["model"], f.arm, f.score): f for f in findings(rows, ["model", "seed"], ["hl", "pytorch"])}
    one = found["rnn", "hl", "final_loss"]
    assert one.values.n == 4 and one.difference is not None and one.difference.mean == -1.0
    assert one.difference.low == one.difference.high == -1.0  # the spread over seeds is common to both arms
    assert (one.won, one.pairs) == (4, 4) and found["rnn", "hl", "accuracy"].won == 0
    assert found["rnn", "pytorch", "final_loss"].difference is None
    assert found["gru", "hl", "final_loss"].equal == 1 and repetitions(rows, ["model", "seed"]) == 4


def test_a_diverged_arm_loses_its_pair() -> None:
    rows = [row(0, 1.0, 2.0), row(1, None, 2.0, status="diverged"), row(2, 3.0, 2.0)]
    one = findings(rows, ["seed"], ["hl", "pytorch"])[0]
    assert (one.won, one.pairs, one.values.missing) == (1, 3, 1)
    assert one.difference is not None and one.difference.mean is None


def test_the_scores_before_a_divergence_are_no_scores() -> None:
    rows = [row(0, 1.0, 2.0), row(1, 0.1, 2.0, diverged="hl:7"), row(2, 0.1, 2.0, diverged="adam:9")]
    one, _, other, _ = findings(rows, ["seed"], ["hl", "pytorch"])
    assert (one.values.missing, one.values.mean, one.won) == (1, None, 2)
    assert (other.score, other.values.n, other.values.missing) == ("accuracy", 3, 1)
    everyone = findings([row(k, 0.1, 2.0, diverged="hl:7") for k in range(2)], ["seed"], ["hl", "pytorch"])
    assert [f.values.missing for f in everyone if f.arm == "hl"] == [2, 2]  # never dropped without a word
    tried = [{"arms.hl.lr": value} for value in ("0.1", "0.2")]
    jobs = [row(0, 1.0, 2.0, **tried[0]), row(0, 0.1, 2.0, diverged="hl:7", **tried[1])]
    assert choose("hl", tried, jobs, "final_loss").candidate == tried[0]


def test_an_arm_whose_name_begins_with_that_of_another_keeps_its_scores() -> None:
    more = {"hl_wave_final_loss": 7.0, "hl_wave_accuracy": 8.0}
    found = findings([row(0, 1.0, 2.0, **more)], ["seed"], ["hl", "pytorch", "hl_wave"])
    assert {(f.arm, f.score): f.values.mean for f in found} == {
        ("hl", "final_loss"): 1.0, ("pytorch", "final_loss"): 2.0, ("hl_wave", "final_loss"): 7.0,
        ("hl", "accuracy"): 1.0, ("pytorch", "accuracy"): 2.0, ("hl_wave", "accuracy"): 8.0,
    }  # fmt: skip


def test_the_page_says_how_large_nets_are_where_they_differ() -> None:
    def said(*sizes: int) -> str:
        told = dict(zip(("weights of hl", "weights of pytorch"), sizes, strict=True))
        rows = [row(seed, 1.0, 2.0, **told) for seed in (0, 1)]
        return page(study_of(rows, ["seed"], ["hl", "pytorch"]))

    assert "| arm | weights | n |" in said(1234, 99) and "| hl | 1,234 | 2 |" in said(1234, 99)
    assert "weights" not in said(99, 99)


def test_the_files_say_it(tmp_path: Path) -> None:
    write_study(tmp_path, [row(k, 1.0 + 0.1 * k, 2.0) for k in range(3)], ["seed"], ["hl", "pytorch"])
    with (tmp_path / "study.csv").open() as file:
        read = list(csv.DictReader(file))
    assert [r["arm"] for r in read] == ["hl", "pytorch"] * 2 and read[0]["n"] == "3" and read[0]["won"] == "3"
    page = (tmp_path / "study.md").read_text()
    assert "Up to 3 repetitions" in page and "3 of 3" in page
    write_study(tmp_path, [row(0, 1.0, 2.0)], ["seed"], ["hl", "pytorch"])
    assert "no interval" in (tmp_path / "study.md").read_text()


def test_the_page_shows_the_scores_that_were_asked_for_and_each_setting_with_its_choice(tmp_path: Path) -> None:
    rows = [
        row(job, 1.0, 2.0, task=task, **{"arms.hl.lr": lr, "study.phase": phase})
        for job, (task, lr, phase) in enumerate([
            ("copy", "0.1", "tuning"), ("copy", "0.2", "tuning"), ("copy", "0.3", "tuning"), ("copy", "0.2", "judging"),
            ("adding", "0.1", "tuning"), ("adding", "0.2", "tuning"), ("adding", "0.3", "tuning"),
            ("adding", "0.1", "judging"),
        ])
    ]  # fmt: skip
    swept = ["task", "arms.hl.lr", "study.phase", "seed"]
    write_study(tmp_path, rows, swept, ["hl", "pytorch"], ["accuracy", "typo"])
    page = (tmp_path / "study.md").read_text()
    assert "| copy | hl | lr 0.2 | 3 |  |" in page and "| adding | hl | lr 0.1 | 3 | lr: widen what is tried |" in page
    assert "### accuracy" in page and "### final loss" not in page
    assert "study.show: no arm has typo; allowed: final_loss, accuracy" in page
    assert "final_loss" in (tmp_path / "study.csv").read_text()


FIELDS = {"hl": ["arms.hl.lr", "arms.hl.tau"], "adam": ["arms.adam.lr"]}


def test_every_arm_tries_the_same_values() -> None:
    tried = candidates({"arms.*.lr": [0.1, 0.2, 0.3]}, None, FIELDS)
    assert tried == {
        "hl": [{"arms.hl.lr": "0.1"}, {"arms.hl.lr": "0.2"}, {"arms.hl.lr": "0.3"}],
        "adam": [{"arms.adam.lr": "0.1"}, {"arms.adam.lr": "0.2"}, {"arms.adam.lr": "0.3"}],
    }
    drawn = candidates({"arms.*.lr": "interval(1e-4, 1.0)"}, 50, FIELDS)
    values = [float(one["arms.hl.lr"]) for one in drawn["hl"]]
    assert values == [float(one["arms.adam.lr"]) for one in drawn["adam"]] and len(values) == 50
    assert all(1e-4 <= value <= 1.0 for value in values) and 10 < sum(value < 1e-2 for value in values) < 40
    part = candidates({"arms.*.lr": [1, 2, 3], "arms.hl.tau": [1, 2]}, 4, FIELDS)
    assert len(part["hl"]) == len(part["adam"]) == 4 and len({tuple(one.items()) for one in part["hl"]}) == 4


@pytest.mark.parametrize(
    ("tune", "budget", "said"),
    [
        ({"arms.*.momentum": [1, 2]}, None, "no arm has arms.*.momentum; allowed: arms.adam.lr, arms.hl.lr"),
        ({"arms.*.lr": [0.1]}, None, "arms.*.lr has 1 value"),
        ({"arms.*.lr": "interval(0.1, 0.01)"}, 3, "interval(LOW, HIGH) with 0 < LOW < HIGH"),
        ({"arms.*.lr": "interval(0.01, 0.1)"}, None, "study.budget=null"),
    ],
)
def test_what_cannot_be_tuned_is_said(tune: dict[str, Any], budget: int | None, said: str) -> None:
    with pytest.raises(BadInput) as refused:
        candidates(tune, budget, FIELDS)
    assert said in str(refused.value)


def test_the_best_mean_is_chosen_and_an_edge_is_told() -> None:
    tried = [{"arms.hl.lr": value} for value in ("0.1", "0.2", "0.3")]
    losses = {"0.1": [3.0, 3.0], "0.2": [2.0, 2.5], "0.3": [1.0, None]}
    rows = [
        {"arms.hl.lr": lr, "seed": k, "hl_final_loss": loss, "hl_accuracy": loss}
        for lr, of in losses.items()
        for k, loss in enumerate(of)
    ]
    best = choose("hl", tried, rows, "final_loss")
    assert best.candidate == {"arms.hl.lr": "0.2"} and best.score == 2.25 and best.tried == 3 and not best.edge
    worst = choose("hl", tried, rows, "accuracy")
    assert worst.candidate == {"arms.hl.lr": "0.1"} and worst.edge == ("arms.hl.lr",)
    with pytest.raises(BadInput, match="no candidate of the arm hl"):
        choose("hl", tried, [], "final_loss")


def test_the_jobs_of_a_study_tune_all_arms_at_once_and_judge_on_other_seeds() -> None:
    tried = candidates({"arms.*.lr": [0.1, 0.2]}, None, FIELDS)
    plan = StudyPlan(tried, "final_loss", tuning_seeds=2, seeds=3)
    jobs = plan.tuning()
    assert len(jobs) == 4 and jobs[0] == ["arms.hl.lr=0.1", "arms.adam.lr=0.1", "study.phase=tuning", "seed=1000"]
    rows: list[dict[str, Any]] = []
    for job in jobs:
        said = dict(one.split("=") for one in job)
        loss = float(said["arms.hl.lr"])
        rows.append({**said, "hl_final_loss": loss, "adam_final_loss": -loss})
    judging = plan.judging(rows, [])
    assert judging[0] == ["arms.hl.lr=0.1", "arms.adam.lr=0.2", "study.phase=judging", "seed=0"]
    assert [job[-1] for job in judging] == ["seed=0", "seed=1", "seed=2"]


def test_folders_of_one_study_are_joined_with_tables_and_pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for number, name in enumerate(("a", "b")):
        scores = {"verdict": "different", "reference": "pytorch", "hl_final_loss": 1.0 + number, "main": "accuracy"}
        with ManifestFile(Path(name)).change(Manifest({"steps": 5}, ["seed"], ["seed=0,1"])) as book:
            for k in range(2):
                entry = book.add({"seed": f"{2 * number + k}"})
                entry.status, entry.folder, entry.config_hash = "done", f"job{k}", f"{number}{k}"
                entry.scores = scores | {"pytorch_final_loss": 2.0}
        (tmp_path / name / "job0").mkdir()
        (tmp_path / name / "job0" / "report.html").touch()
    assert joined.main(["a", "b"]) == 0
    with (tmp_path / "a" / "study.csv").open() as file:
        read = {r["arm"]: r for r in csv.DictReader(file) if r["score"] == "final_loss"}
    assert (read["hl"]["n"], read["hl"]["mean"], read["hl"]["won"]) == ("4", "1.5", "2")
    page = (tmp_path / "a" / "sweep.html").read_text()
    assert 'href="job0/report.html"' in page and 'href="../b/job0/report.html"' in page and 'id="study"' in page


@pytest.mark.parametrize(("tune", "tunes"), [("{arms.*.lr: [0.1, 0.2]}", True), ("null", False)])
def test_null_tunes_nothing(tune: str, tunes: bool) -> None:
    GlobalHydra.instance().clear()
    with initialize_config_module("hl_cli.configs", version_base="1.3"):
        found = study_plan(compose("run", ["experiment=copy", "study.tuning_seeds=1", f"study.tune={tune}"]))
    assert bool(found.tried) == tunes and bool(found.tuning()) == tunes
