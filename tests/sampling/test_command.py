"""hl-run task=sample: its files, its numbers, its refusals."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pytest

SMALL = ("task=sample", "target=banana", "chains=4", "draws=12", "warmup=2", "seeds=2", "length=[3,3,3]")
FILES = {
    "draws.csv", "replicates.csv", "summary.csv", "tuning.csv", "summary.json", "report.md", "report.html",
    "SHA256SUMS", "marginals.png", "pairs.png", "traces.png", "energies.png", "copies.png", ".hydra",
}  # fmt: skip


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_chains_of_three_methods(invoke: Any, tmp_path: Path) -> None:
    """draws.csv has every draw, and the means and acceptances of the tables are those of the draws."""
    code, out, err = invoke(*SMALL, "hydra.run.dir=one")
    assert (code, err) == (0, "")
    folder = tmp_path / "one"
    assert {path.name for path in folder.iterdir()} == FILES - {"tuning.csv"}
    draws, replicates, summary = (rows(folder / f"{name}.csv") for name in ("draws", "replicates", "summary"))
    assert [len(draws), len(replicates), len(summary)] == [3 * 2 * 4 * 12, 3 * 2, 3]
    for row in replicates:
        own = [one for one in draws if (one["method"], one["replicate"]) == (row["method"], row["replicate"])]
        assert float(row["mean_t2"]) == pytest.approx(sum(float(one["t2"]) for one in own) / 48)
        assert float(row["accepted"]) == pytest.approx(sum(one["accepted"] == "1" for one in own) / 48)
    explicit = [row for row in replicates if row["method"] == "explicit"]
    assert all(float(row["evaluations"]) == 4.0 for row in explicit)
    found = json.loads((folder / "summary.json").read_text())
    assert found["methods"] == ["hmc", "implicit", "explicit"] and found["explicit"]["evaluations"] == [4.0] * 3
    assert "RMHMC, explicit" in out and "not searched" in (folder / "report.md").read_text()
    assert min(plt.imread(folder / "marginals.png").shape[:2]) > 200
    assert "sample banana" in invoke("ls", "one")[1]
    few = ("methods=[explicit]", "length=[3]", "hydra.run.dir=two")
    assert invoke(*SMALL, *few)[0] == 0  # the draws of a method do not depend on the others
    assert rows(tmp_path / "two" / "draws.csv") == [one for one in draws if one["method"] == "explicit"]


def test_a_density_of_the_user_and_a_search(invoke: Any, tmp_path: Path) -> None:
    words = (
        "task=sample",
        "target=tests.sampling.material:log_density",
        "target.n=3",
        "chains=4",
        "draws=8",
        "seeds=1",
    )
    search = ("methods=[hmc]", "tune=true", "tune_trials=4", "tune_evaluations=200", "hydra.run.dir=one")
    code, out, err = invoke(*words, *search)
    assert (code, err) == (0, "") and "log_density" in out
    tried = rows(tmp_path / "one" / "tuning.csv")
    (chosen,) = rows(tmp_path / "one" / "summary.csv")
    good = [row for row in tried if float(row["accepted"]) >= 0.5]
    assert len(tried) == 4 and chosen["step"] == max(good, key=lambda row: float(row["per_evaluation"]))["step"]


BAD = [
    ("task=sample target=tests.sampling.material:raising target.n=2", "target.function=tests.sampling.material:"
     "raising: KeyError: 'q9': allowed: a function in torch of a point (2,)"),
    ("task=sample methods=[nuts]", "methods=['nuts']: nuts: allowed: hmc, implicit, explicit, each once"),
    ("task=sample step=[0.1]", "step=[0.1]: allowed: 3 numbers, one for each of methods=['hmc', 'implicit', "),
    ("task=sample step=[0.1,0,1]", "step=[0.1, 0.0, 1.0]: allowed: one or more numbers > 0"),
    ("task=sample target=funnel whiten=true", "whiten=true (target=funnel): it has no mode to whiten at; allowed: "),
    ("task=sample stream=digits", "stream=digits (task=sample): nothing learns there; allowed: target=, experiment="),
    ("task=sample function=quartic", "function=quartic (task=sample): nothing learns there; allowed: target=, "),
    ("task=sample target=tests.sampling.material:none target.n=2", "target.function=tests.sampling.material:none: "),
    ("task=sample target=tests.sampling.material:nowhere target.n=2", "target=tests.sampling.material.nowhere: its log "
     "density is -inf at the start of chain 0, q1 = "),
    ("task=sample target=tests.sampling.material:constant target.n=2", "target=tests.sampling.material.constant: its "
     "log density does not change with any of 2 numbers, q1 the first: the slope is 0 at the start of every chain"),
    ("task=sample target=tests.sampling.material:forgotten target.n=3 methods=[hmc]", "target=tests.sampling.material."
     "forgotten: its log density does not change with q3: the slope is 0 at the start of every chain; allowed: one th"),
    ("task=sample target=tests.sampling.material:kinked target.n=3", "target=tests.sampling.material.kinked: the slope "
     "of its log density in q2 is nan at the start of chain 0, q1 = "),
    ("task=sample target=tests.sampling.material:steep target.n=3", "metric=softabs (target=tests.sampling.material."
     "steep): not finite and positive definite at the start of chain 0, from q2 on, q1 = "),
    ("task=sample target=banana target.variance=1e-300", "metric=fisher (target=banana): not finite and positive "
     "definite at the start of chain 0, from t2 on, t1 = "),
    ("task=sample target=logistic target.prior=1e-320", "target.prior=1e-320: allowed: a number >= 1e-09 and <= "),
    ("task=sample target=tests.sampling.material:log_density target.n=3 metric=fisher", "metric=fisher (target=tests."
     "sampling.material.log_density): allowed: softabs, which it has"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "said"), BAD, ids=[words for words, _ in BAD])
def test_bad_input_is_refused_in_a_line_and_leaves_nothing(invoke: Any, tmp_path: Path, words: str, said: str) -> None:
    code, out, err = invoke(*words.split())
    assert (code, out) == (1, "") and err.startswith(f"hl-run: {said}") and err.count("\n") == 1
    assert not [*tmp_path.iterdir()]


def test_a_dry_run_says_the_budget_and_writes_nothing(invoke: Any, tmp_path: Path) -> None:
    code, out, err = invoke(*SMALL, "dry_run=true")
    assert (code, err) == (0, "") and "4 chains of 12 draws after 2, in each of 2 replicates" in out
    assert "288 rows" in out and not [path for path in tmp_path.rglob("*") if path.is_file()]
