"""The studies that ship, shrunken: their tables, and a study that was killed and taken up again ends the same."""

from __future__ import annotations

import csv
import gc
import shlex
from pathlib import Path
from typing import Any

import pytest

from tests.broken_off import Killed, die_at
from tests.covering import long

SHORT = {
    "recall_study": "arm=[hl,tbptt8,frozen,zero] reference=tbptt8 steps=12 stream.task=adding model.hidden=4 "
    "'study.tune={arms.*.lr: [0.01,0.1]}' study.seeds=2 study.score=final_loss study.show=[mae,typo]",
    "school": "stream.lecture=20 stream.ticks=20 model.hidden=6 arms.still.model.hidden=6 steps=6 "
    "'study.tune={arms.*.lr: [0.0001,0.001]}' study.seeds=2",
    "credit": "steps=20 log_every=10 observe.credit.every=10 study.seeds=2",
}
pytestmark = pytest.mark.usefixtures("no_pictures")


def command(name: str, folder: str) -> list[str]:
    return [f"experiment={name}", *shlex.split(SHORT[name]), f"hydra.sweep.dir={folder}"]


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "study.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@long
def test_a_study_that_was_killed_ends_the_same(invoke: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed in its second tuning job; the command need not be said again."""
    code, said, err = invoke(*command("recall_study", "whole"))
    assert code == 0, err
    page = (tmp_path / "whole" / "study.md").read_text()
    assert page in said and "### mae" in page and "typo" in page and "### final loss" not in page
    judged = [row for row in rows(tmp_path / "whole") if row["study.phase"] == "judging"]
    assert {row["arm"] for row in judged} == {"hl", "tbptt8", "frozen", "zero"}
    assert all(row["n"] == "2" and row["interval"] == "t" for row in judged if row["score"] == "mae")
    assert len({row["mean"] for row in judged if row["score"] == "mae"}) == 4

    die_at(7, monkeypatch, 2)
    with pytest.raises(Killed):
        invoke(*command("recall_study", "broken"))
    die_at(-1, monkeypatch)
    gc.collect()  # as the end of a process, lets go of the lock of the sweep
    assert sum(path.is_file() for path in (tmp_path / "broken").glob("*/summary.json")) == 1
    assert invoke("sweep.resume=broken")[0] == 0
    for name in ("study.csv", "study.md"):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "broken" / name).read_bytes()


@long
def test_the_school_and_its_controls(invoke: Any, tmp_path: Path) -> None:
    """Scores of the exams at the end, of what was taught and of what never was; arms have equal budgets."""
    code, said, err = invoke(*command("school", "school"))
    assert code == 0, err
    assert "### final power error" in said and "### unseen power error" in said
    found = {(r["arm"], r["score"]): r for r in rows(tmp_path / "school") if r["study.phase"] == "judging"}
    assert {arm for arm, _ in found} == {"hl", "tbptt1", "zero", "still"}
    for score in ("final_power_error", "unseen_power_error"):
        assert float(found["zero", score]["mean"]) == 1.0
    assert len({row["mean"] for (_, score), row in found.items() if score == "final_power_error"}) == 4
    assert said.count("| 2 |") >= 3  # candidates tried, by arm


@long
def test_credit_by_net(invoke: Any, tmp_path: Path) -> None:
    """Costates that are zeroed are window 1; none is exact."""
    code, said, err = invoke(*command("credit", "credit"))
    assert code == 0, err
    assert "### credit cosine" in said
    found = {r["arm"]: float(r["mean"]) for r in rows(tmp_path / "credit") if r["score"] == "credit_cosine"}
    assert set(found) == {f"{net}{end}" for net in ("rnn", "rotation", "damped") for end in ("", "_window1")}
    assert all(-1 <= cosine < 0.9999 for cosine in found.values()) and len(set(found.values())) == 6
