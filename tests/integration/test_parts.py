"""The end of a run is written part by part: one that fails loses only itself, and is named wherever a reader looks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hl_cli.compare.forgetting import Retention
from hl_cli.compare.record import StepRecord
from hl_cli.reporting import facts
from hl_cli.reporting.credit import Credit
from hl_cli.reporting.html import learning
from hl_cli.reporting.readback import json_of
from hl_cli.reporting.sections import Section
from hl_cli.reporting.summary import write_json
from hl_cli.runs import ending

RUN = ("stream=iris", "steps=30", "log_every=10", "integrator=explicit_euler", "hydra.run.dir=run")


def broken(*arguments: Any, **more: Any) -> Any:
    raise KeyError("sine high loud")


def test_each_part_that_fails_loses_only_itself(invoke: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as faults:
        for where, name in (
            (ending, "draw_physics"),
            (ending, "write_end"),
            (facts, "weights"),
            (learning, "curves"),
            (Retention, "measures"),
        ):
            faults.setattr(where, name, broken)
        code, out, err = invoke(*RUN)
    folder = tmp_path / "run"
    found = json.loads((folder / "summary.json").read_text())
    failed = {"tasks of hl", "tasks of pytorch", "numbers of tally", "physics.png", "tensorboard/report",
              "loss and scores", "tensors in report.html", "weights in report.md"}  # fmt: skip
    assert code == 1 and set(found["not_written"]) == failed
    assert err.startswith("hl-run: not written: ") and err.count("\n") == 1
    assert found["verdict"] == "different" and found["hl"]["held_out_accuracy"] > 0 and "verdict   " in out
    text, page = (folder / "report.md").read_text(), (folder / "report.html").read_text()
    for name in failed:
        assert name in err and name in text and (name in page or "report.md" in name)
    for there in ("| HL | ", "(weight_difference.png)", "(tensor_difference.png)", "## What was compared", "## Again"):
        assert there in text
    assert "(physics.png)" not in text and "## The weights" not in text
    for there in ('id="result"', 'id="weights"', 'id="physics"', 'id="compared"', 'id="again"'):
        assert there in page
    assert 'id="curves"' not in page and 'id="tensors"' not in page
    pictures = {path.name for path in folder.glob("*.png")}
    assert pictures == {"curves.png", "weight_difference.png", "tensor_difference.png"}
    assert not list(folder.glob("*.tmp"))
    code, _, err = invoke("resume=run")  # the report alone is left to do
    assert (code, err) == (0, "") and (folder / "physics.png").exists()
    assert json.loads((folder / "summary.json").read_text())["not_written"] == {}
    assert "Not written" not in (folder / "report.md").read_text() and (folder / "tensorboard" / "report").is_dir()


def test_an_observer_that_fails_loses_only_itself(invoke: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also one that had failed before the run was left; and a section of which a page can make nothing."""
    net = ("stream=recall", "model=rnn", "model.hidden=3", "scenario.lr=0.01", "log_every=10", "hydra.run.dir=run")
    two = ("observe=[credit]", "+observe@observe.other=credit", "observe.credit.every=10", "observe.other.every=10")
    consume = Credit.consume

    def fails(self: Credit, record: StepRecord) -> None:
        if self._name == "credit" and record.step == 15:
            raise ZeroDivisionError("no reason")
        consume(self, record)

    monkeypatch.setattr(Credit, "consume", fails)
    monkeypatch.setattr(Credit, "_section", lambda self, labels: Section("other", "Other", table=[["a", "b"], ["c"]]))
    code, _, err = invoke(*net, *two, "steps=30")
    why = "at step 15: ZeroDivisionError: no reason"
    assert code == 1 and f"hl-run: observer credit failed {why}" in err
    for said in ("", "resume=run steps=50"):
        if said:
            code, _, err = invoke(*said.split())
            assert code == 1
        found = json.loads((tmp_path / "run" / "summary.json").read_text())
        failed = found["not_written"]
        assert set(failed) == {"observer credit", "other"} and why in failed["observer credit"]
        assert "rows of [1, 2] cells" in failed["other"] and "credit_cosine" in found["hl"]
        assert found["steps"] == (50 if said else 30)
        looks = {name: (tmp_path / "run" / f"{name}.csv").read_text() for name in ("credit", "other")}
        assert looks["other"].splitlines()[-1].startswith("50" if said else "30")
        assert looks["credit"].splitlines()[-1].startswith("10,") and why in (tmp_path / "run/report.md").read_text()


def test_a_name_that_every_run_has_is_refused(invoke: Any) -> None:
    code, _, err = invoke("model=rnn", "stream=recall", "+observe@observe.tables=credit")
    assert code == 1 and "observe.tables: every run has something of this name" in err and err.count("\n") == 1


def test_an_exam_of_signals_that_are_never_taught(invoke: Any, tmp_path: Path) -> None:
    """Nothing is known of what was kept of them; the scores are there."""
    choice = ("stream=signal_school", "model=oscillators", "split=state", "scenario=gd_a", "scenario.lr=0.001")
    exam = ("stream.signals=[0,7]", "stream.lecture=200", "stream.exam=[7]", "hydra.run.dir=run")
    code, out, err = invoke(*choice, *exam, "steps=3")
    found = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert (code, err) == (0, "") and "no task that is scored was learnt yet" in out
    assert [found["hl"][name] for name in ("plasticity", "final", "forgetting", "tasks_met")] == [None, None, None, 0]
    assert (tmp_path / "run" / "tasks.png").exists()
    code, _, _ = invoke("resume=run", "steps=45")  # the first lecture, the second, the first again
    found = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert code == 0 and found["hl"]["tasks_met"] == 1 and found["hl"]["final"] is not None


def test_a_summary_takes_numbers_of_other_libraries(tmp_path: Path) -> None:
    write_json(
        tmp_path / "a.json", {"a": np.int64(2), "b": [np.float32(0.5), np.float64("nan")], "c": {"d": Path("x")}}
    )
    assert json_of(tmp_path / "a.json") == {"a": 2, "b": [0.5, None], "c": {"d": "x"}}
