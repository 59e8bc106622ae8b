"""What a run leaves behind where the stream asks for values, characters, or changes over time."""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pytest
import torch
from hydra import compose, initialize_config_module
from hydra.core.global_hydra import GlobalHydra
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from hl_cli.build import comparison
from hl_cli.runs.run import run
from tests.material import needs
from tests.process import summary_of


def ran(folder: Path, *overrides: str) -> dict[str, Any]:
    """Run into the folder; the summary."""
    GlobalHydra.instance().clear()
    with initialize_config_module("hl_cli.configs", version_base="1.3"):
        cfg = compose("run", overrides=list(overrides))
    assert run(cfg, folder).exit_code == 0
    return summary_of(folder)


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_values_have_r2_and_skill_where_classes_have_accuracy(tmp_path: Path) -> None:
    choice = ["stream=series", *needs("series"), "model=linear", "split=output", "scenario=gd_a", "scenario.lr=0.02"]
    found = ran(tmp_path, *choice, "steps=150", "eval_every=0")
    curves = read(tmp_path / "curves.csv")
    names = ["loss", "mae", "r2", "power_error", "skill"]
    assert list(curves[0]) == ["step", *(f"{learner}_{m}" for m in names for learner in ("hl", "pytorch"))]
    assert curves[0]["hl_r2"] == "" and all(r["hl_r2"] for r in curves[1:])  # one sample has no spread
    assert all(r[f"hl_{m}"] == r[f"pytorch_{m}"] for r in curves for m in names)

    # the last window by hand: the samples again, and a copy of the net that PyTorch trains in this test
    GlobalHydra.instance().clear()
    with initialize_config_module("hl_cli.configs", version_base="1.3"):
        built = comparison(compose("run", overrides=choice))
    rows = []
    for _ in range(150):
        sample = next(built.stream)
        said = built.pytorch.step(sample)
        rows.append([float(said.prediction), float(sample.target), float(sample.baseline)])
    y, t, b = torch.tensor(rows[-100:], dtype=torch.float64).unbind(1)
    error = ((y - t) ** 2).sum()
    wanted = {
        "mae": (y - t).abs().mean(),
        "r2": 1 - error / ((t - t.mean()) ** 2).sum(),
        "power_error": error / (t**2).sum(),
    }
    wanted["skill"] = 1 - error / ((b - t) ** 2).sum()
    for name, value in wanted.items():
        if name != "mae":  # which each step has of its own
            assert float(curves[-1][f"hl_{name}"]) == pytest.approx(float(value), rel=1e-6)
        assert found["hl"][name] == pytest.approx(float(value), rel=1e-6)
    assert found["hl"]["cumulative_loss"] == pytest.approx(sum(float(r["hl_loss"]) for r in curves) / 150)
    assert found["hl"]["held_out_r2"] == float(read(tmp_path / "evaluation.csv")[-1]["hl_r2"])
    assert "accuracy" not in found["hl"] and found["metrics"] == ["mae", "r2", "skill"] and found["loss"] == "mse"
    report = (tmp_path / "report.md").read_text()
    assert "held-out skill" in report and "chance" not in report and "accuracy" not in report
    assert "load, 1 ahead, from the last 4 rows of load, noise" in report
    tags = EventAccumulator(str(tmp_path / "tensorboard" / "hl")).Reload().Tags()["scalars"]
    assert {"loss", "mae", "r2", "skill", "held_out/skill"} <= set(tags)


def test_characters_have_bits(tmp_path: Path) -> None:
    found = ran(tmp_path, "stream=text", *needs("text"), "model=rnn", "stream.targets=all", "steps=60")
    for row in read(tmp_path / "curves.csv"):
        assert float(row["hl_bits_per_character"]) == pytest.approx(float(row["hl_loss"]) / math.log(2))
    assert found["hl"]["held_out_bits_per_character"] == pytest.approx(found["hl"]["held_out_loss"] / math.log(2))
    assert "bits per character" in (tmp_path / "report.md").read_text()


def test_a_stream_that_changes(tmp_path: Path) -> None:
    found = ran(tmp_path, "stream=digits_by_class", "stream.period=80", "steps=450", "eval_every=100")
    rows = read(tmp_path / "tasks.csv")
    tasks = [f"classes {k}-{k + 1}" for k in range(0, 10, 2)]
    assert found["tasks"] == tasks
    assert [int(r["step"]) for r in rows] == [s for s in (80, 160, 240, 320, 400, 450) for _ in tasks]
    assert [r["trained"] for r in rows[::5]] == [*tasks, tasks[-1]] and [r["task"] for r in rows] == tasks * 6
    grid = [[float(r["hl_accuracy"]) for r in rows[k : k + 5]] for k in range(0, 30, 5)]
    just = [grid[0][0], grid[1][1], grid[2][2], grid[3][3], grid[4][4], grid[5][4]]
    lost = [max(grid[e][j] for e in range(j, 5)) - grid[5][j] for j in range(4)]
    for learner in ("hl", "pytorch"):
        assert found[learner]["plasticity"] == pytest.approx(sum(just) / 6)
        assert found[learner]["forgetting"] == pytest.approx(sum(lost) / 4)
        assert found[learner]["final"] == pytest.approx(sum(grid[5]) / 5)
    assert found["hl"]["forgetting"] > 0.5  # abrupt change is forgotten
    report = (tmp_path / "report.md").read_text()
    assert "## Tasks over time" in report and "| 6 | classes 8-9 |" in report
    assert f"forgetting {found['hl']['forgetting']:.3f}" in report
    assert min(plt.imread(tmp_path / "tasks.png").shape[:2]) > 300
    tags = EventAccumulator(str(tmp_path / "tensorboard" / "hl")).Reload().Tags()["scalars"]
    assert {f"task/{task}/accuracy" for task in tasks} <= set(tags)


def test_a_stream_that_does_not_change_has_no_tasks(tmp_path: Path) -> None:
    found = ran(tmp_path, "stream=iris", "model=mlp", "steps=20")
    assert found["tasks"] == [] and "forgetting" not in found["hl"]
    assert not (tmp_path / "tasks.csv").exists() and not (tmp_path / "tasks.png").exists()
    assert "Tasks over time" not in (tmp_path / "report.md").read_text()


def test_a_stream_that_ends_ends_the_run(tmp_path: Path) -> None:
    choice = ["stream=series", *needs("series"), "stream.held_out=0.97", "steps=1000", "batch_size=2", "eval_every=0"]
    found = ran(tmp_path, *choice)
    rows = read(tmp_path / "curves.csv")
    assert found["steps"] == len(rows) < 100 and found["verdict"] == "identical"
    assert f"the stream ends after {len(rows)} of the 1000 steps" in found["note"]
    assert [int(r["step"]) for r in read(tmp_path / "evaluation.csv")] == [len(rows)]


def test_steps_without_a_target(tmp_path: Path) -> None:
    """Every third sample of this stream asks nothing: its rows are empty, and the weights stay."""
    ran(tmp_path, "stream=plugin", *needs("plugin"), "steps=12", "log_every=1", "eval_every=0")
    rows = read(tmp_path / "curves.csv")
    asked = [k % 3 != 2 for k in range(1, 13)]
    assert [r["hl_loss"] != "" for r in rows] == asked and [r["pytorch_accuracy"] != "" for r in rows] == asked
    assert [float(r["max_abs"]) for r in read(tmp_path / "weight_difference.csv")] == [0.0] * 12
