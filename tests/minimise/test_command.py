"""hl-run task=minimise: its files, its refusals, and what is left where it is broken off."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pytest

from hl_cli.config.minimise import METHODS
from hl_cli.runs import minimise

SMALL = ("task=minimise", "function=quartic", "trials=12", "steps=20", "seeds=2", "transfer=3")
FILES = {
    "trials.csv", "best.csv", "summary.csv", "summary.json", "report.md", "report.html", "usable.png", "paths.png",
    "SHA256SUMS", ".hydra",
}  # fmt: skip


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_search_writes_every_trial_and_the_table_that_it_prints(invoke: Any, tmp_path: Path) -> None:
    code, out, err = invoke(*SMALL, "hydra.run.dir=one")
    folder = tmp_path / "one"
    assert (code, err) == (0, "") and {path.name for path in folder.iterdir()} == FILES
    trials, best, summary = (rows(folder / f"{name}.csv") for name in ("trials", "best", "summary"))
    assert [len(trials), len(best), len(summary)] == [7 * 2 * 12, 7 * 2, 7]
    assert [row["method"] for row in summary] == list(METHODS)
    for row in best:
        own = [one for one in trials if (one["method"], one["replicate"]) == (row["method"], row["replicate"])]
        lowest = min(own, key=lambda one: float(one["final_value"]))
        assert row["trial"] == lowest["trial"] and row["lr"] == lowest["lr"] and row["judged"] == lowest["judged"]
        usable = [float(one["final_value"]) <= float(one["start_value"]) for one in own]
        assert float(row["usable_share"]) == sum(usable) / 12 and usable == [one["usable"] == "1" for one in own]
    two = [float(row["judged"]) for row in best if row["method"] == "adam"]
    assert float(summary[-1]["best_median"]) == pytest.approx(sum(two) / 2)
    assert summary[0]["delta_median"] == "" and summary[3]["delta_median"] != ""
    report, page = ((folder / f"report.{kind}").read_text() for kind in ("md", "html"))
    for text in (out, report, page):
        assert f"{float(summary[-1]['best_median']):.1e}" in text
        assert "12 trials of 20 gradient evaluations in each of 2 replicates" in text
    assert min(plt.imread(folder / "usable.png").shape[:2]) > 300 and "(paths.png)" in report
    found = json.loads((folder / "summary.json").read_text())
    assert found["threads"] == 1 and found["task"] == "minimise" and found["methods"] == list(METHODS)

    _, listed, _ = invoke("ls", "one")
    assert "minimise quartic" in listed and "damaged" not in listed
    few = ("methods=[adam,momentum]", "hydra.run.dir=two")
    assert invoke(*SMALL, *few)[0] == 0  # the numbers of a method do not depend on the others
    again = rows(tmp_path / "two" / "trials.csv")
    for name in ("adam", "momentum"):
        assert [one for one in again if one["method"] == name] == [one for one in trials if one["method"] == name]


BAD = [
    ("task=foo", "task=foo: allowed: minimise, "),
    ("function=quartic", "function=quartic: allowed beside task=minimise"),
    (
        "task=minimise model=lstm",
        "model=lstm (task=minimise): no net is trained there; allowed: function=, ",
    ),
    ("experiment=minimise stream=digits", "stream=digits (task=minimise): no net is trained there; allowed: function="),
    ("task=minimise,video -m", "task=minimise,video: allowed: one task; a sweep of each is a command of its own"),
    ("experiment=minimise,adding -m", "experiment=minimise,adding: minimise is of task=minimise, adding is of a run; "),
    ("task=minimise methods=[adam,adam]", "methods=['adam', 'adam']: adam: allowed: "),
    ("task=minimise methods=[sgd]", "methods=['sgd']: sgd: allowed: momentum, "),
    ("task=minimise lr=[1,0.1]", "lr=[1.0, 0.1]: allowed: two numbers, the lower one first"),
    ("task=minimise friction=[0.1]", "friction=[0.1]: allowed: two numbers, the lower one first"),
    ("task=minimise delta=[0,1]", "delta=[0.0, 1.0]: allowed: one or more numbers > 0"),
    ("task=minimise trials=0", "trials=0: allowed: a number >= 1"),
    ("task=minimise function.rows=3", "function.rows: no such field here"),
]


@pytest.mark.parametrize(("words", "said"), BAD, ids=[words for words, _ in BAD])
def test_bad_input_is_refused_in_a_line_and_leaves_nothing(invoke: Any, tmp_path: Path, words: str, said: str) -> None:
    code, out, err = invoke(*words.split())
    assert (code, out) == (1, "") and err.startswith(f"hl-run: {said}") and err.count("\n") == 1
    assert not [*tmp_path.iterdir()]


def test_a_search_that_is_broken_off_leaves_no_results(
    invoke: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(minimise, "outcomes", broken)
    code, _, err = invoke(*SMALL)
    assert code == 130 and err == "hl-run: broken off by Ctrl-C\n" and not [*tmp_path.rglob("*.csv")]
    (folder,) = (path.parent for path in tmp_path.rglob(".hydra"))
    assert {path.name for path in folder.iterdir()} == {".hydra", "checkpoints"}


def test_a_dry_run_says_the_budget_and_writes_nothing(invoke: Any, tmp_path: Path) -> None:
    code, out, err = invoke("task=minimise", "function=matrix_completion", "dry_run=true")
    assert (code, err) == (0, "") and "120 trials of 60 gradient evaluations" in out and "4,200 rows" in out
    assert "paths.png" not in out and not [path for path in tmp_path.rglob("*") if path.is_file()]
