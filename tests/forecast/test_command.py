"""hl-run task=forecast: its files, its refusals."""

from __future__ import annotations

import copy
import csv
import json
import math
import re
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pytest
from hydra import compose, initialize_config_module
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig, OmegaConf

from hl_cli.build.forecast import forecast_of
from hl_cli.errors import BadInput
from hl_cli.reporting import forecast_energy, forecast_motion

SMALL = ("steps=3", "seeds=2", "trajectories=4", "starts=3", "horizon=40", "near=20", "hidden=4", "batch_size=8")
FILES = {
    "scores.csv", "summary.csv", "energy.csv", "forecast.csv", "summary.json", "report.md", "report.html", "energy.png",
    "phase.png", "forecast.png", "potential.png", "SHA256SUMS", ".hydra",
}  # fmt: skip


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def wave(path: Path, count: int = 200) -> Path:
    """A series of two columns."""
    path.write_text("t,x,y\n" + "".join(f"{k},{math.sin(k / 3)},{math.cos(k / 5)}\n" for k in range(count)))
    return path


def test_a_forecast_writes_its_scores_and_the_table_that_it_prints(invoke: Any, tmp_path: Path) -> None:
    arms = ["vin_vv", "vin_so2", "euler", "gru"]
    code, out, err = invoke("task=forecast", *SMALL, f"arms=[{','.join(arms)}]", "hydra.run.dir=one")
    folder = tmp_path / "one"
    assert (code, err) == (0, "") and {path.name for path in folder.iterdir()} == FILES
    scores, summary, energy, path = (
        rows(folder / f"{name}.csv") for name in ("scores", "summary", "energy", "forecast")
    )
    assert [row["arm"] for row in summary] == arms and len(scores) == 4 * 2 and len(energy) == len(path) == 41
    assert [row["parameters"] for row in summary[:3]] == ["12", "16", "12"] and "vin_so2 16" in out
    own = sorted(float(row["energy_error"]) for row in scores if row["arm"] == "euler")
    assert float(summary[2]["energy_error_median"]) == pytest.approx(sum(own) / 2)
    assert summary[3]["defect_median"] == "" and float(summary[0]["defect_median"]) < 1e-12
    assert float(path[0]["euler_q"]) == pytest.approx(float(path[0]["truth_q"]))
    report = (folder / "report.md").read_text()
    for text in (out, report):
        assert f"{float(summary[2]['energy_error_median']):.2g}" in text and "3 steps of up to 8 windows" in text
    for name in ("energy", "phase", "forecast", "potential"):
        assert min(plt.imread(folder / f"{name}.png").shape[:2]) > 300 and f"({name}.png)" in report
    found = json.loads((folder / "summary.json").read_text())
    assert found["task"] == "forecast" and found["euler"]["parameters"] == 12 and found["system"]["gravity"] == 9.82
    few = ("arms=[vin_so2]", "hydra.run.dir=two")
    assert invoke("task=forecast", *SMALL, *few)[0] == 0  # the numbers of an arm do not depend on the others
    again = {(row["arm"], row["replicate"]): row for row in rows(tmp_path / "two" / "scores.csv")}
    assert all(again[row["arm"], row["replicate"]] == row for row in scores if row["arm"] == "vin_so2")


@pytest.fixture
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name in ((forecast_motion, "draw_forecast"), (forecast_motion, "draw_phase")):
        monkeypatch.setattr(module, name, lambda *arguments: None)
    monkeypatch.setattr(forecast_energy, "draw_energy", lambda *arguments: None)


@pytest.mark.usefixtures("no_pictures")
def test_a_series_has_no_energy_and_a_system_of_bodies_has_momenta(invoke: Any, tmp_path: Path) -> None:
    words = (
        f"system.path={wave(tmp_path / 'w.csv')}",
        "system.positions=[x,y]",
        "arms=[vin_vv,residual]",
        "horizon=30",
    )
    code, out, err = invoke("task=forecast", "system=series", *SMALL, *words, "hydra.run.dir=one")
    assert (code, err) == (0, "") and "energy" not in out
    assert not {path.name for path in (tmp_path / "one").iterdir()} & {"energy.csv", "energy.png", "potential.png"}
    (first, *_) = rows(tmp_path / "one" / "scores.csv")
    assert first["energy_error"] == first["drift"] == "" and float(first["error_near"]) > 0
    words = ("system=two_body", "arms=[vin_pairs,residual]", "dtype=float64", "hydra.run.dir=two")
    code, out, err = invoke("task=forecast", *SMALL, *words)
    assert (code, err) == (0, "") and "angular momentum" in (tmp_path / "two" / "report.md").read_text()
    by_arm = {row["arm"]: float(row["angular_momentum"]) for row in rows(tmp_path / "two" / "scores.csv")}
    assert by_arm["vin_pairs"] < 1e-13 < 1e-4 < by_arm["residual"]


SAID = [
    ("stream=mackey_glass", "stream=mackey_glass (task=forecast): a forecast needs positions and velocities, which a "),
    ("function=quartic", "function=quartic (task=forecast): "),
    ("dt=0.7", "dt=0.7 (system=pendulum): beyond the linear stability limit 2 / omega = 0.6382 of vin_vv, vin_sv, "),
    (
        "arms=[vin_vv] lr=1e30 steps=50 trajectories=3 starts=1 horizon=100",
        "arms=vin_vv: its potential is not finite in replicate 1 at step ",
    ),
]


@pytest.mark.parametrize(("words", "said"), SAID, ids=[words for words, _ in SAID])
def test_bad_input_is_refused_in_a_line_and_leaves_nothing(invoke: Any, tmp_path: Path, words: str, said: str) -> None:
    code, _, err = invoke("task=forecast", *words.split())
    assert code == 1 and err.startswith(f"hl-run: {said}") and err.count("\n") == 1, err
    assert not [*tmp_path.iterdir()]


def test_what_a_config_cannot_mean_is_said_before_the_run(tmp_path: Path) -> None:
    path = wave(tmp_path / "w.csv")
    GlobalHydra.instance().clear()
    with initialize_config_module("hl_cli.configs", version_base="1.3"):
        words = ["near=10", "horizon=20", "points=21"]
        pendulum = compose("forecast", overrides=["horizon=1000"])
        series = compose(
            "forecast", overrides=["system=series", f"system.path={path}", "system.positions=[x,y]", *words]
        )
    cases: list[tuple[DictConfig, dict[str, Any], str]] = [
        (pendulum, {"arms": ["vin_pairs"]}, "arms=['vin_pairs']: vin_pairs: allowed: with system=pendulum vin_vv, "),
        (pendulum, {"arms": ["gru", "gru"]}, "arms=['gru', 'gru']: gru: allowed: "),
        (pendulum, {"window": 40}, "window=40: allowed: at most points=31"),
        (pendulum, {"horizon": 50}, "near=100: allowed: at most horizon=50"),
        (pendulum, {"system.gravity": 400.0}, "dt=0.1 (system=pendulum): beyond the linear stability limit 2 / omega "),
        (series, {"horizon": 100}, "horizon=100 (system=series): longer than the truth; allowed: at most 37, for the "),
        (series, {"points": 200}, "points=200 (system=series): longer than the truth; allowed: at most 158, for the "),
        (series, {"system.positions": ["z"]}, "system.positions=z: no such column in w.csv; allowed: 't', 'x', 'y'"),
        (series, {"system.velocities": ["x"]}, "system.velocities=['x']: no velocity for each of the 2 positions"),
        (series, {"system.path": "none.csv"}, "system.path=none.csv: cannot be read: No such file or directory"),
    ]  # fmt: skip
    for cfg, changes, said in cases:
        changed = copy.deepcopy(cfg)
        for key, value in changes.items():
            OmegaConf.update(changed, key, value)
        with pytest.raises(BadInput, match=re.escape(said)):
            forecast_of(changed)
    euler = copy.deepcopy(pendulum)
    euler.arms, euler.dt = ["euler", "residual"], 0.7  # which have no such limit
    assert forecast_of(euler)[0].dt == 0.7


def test_a_cell_that_is_no_number_is_named(invoke: Any, tmp_path: Path) -> None:
    (tmp_path / "w.csv").write_text("x\n1\n2\nnan\n")
    code, _, err = invoke("task=forecast", "system=series", "system.path=w.csv", "system.positions=[x]")
    assert (code, err) == (1, "hl-run: system.path=w.csv: line 4: x: nan; allowed: a finite number\n")


def test_a_dry_run_says_the_budget_and_writes_nothing(invoke: Any, tmp_path: Path) -> None:
    code, out, err = invoke("task=forecast", *SMALL, "arms=[vin_vv,residual]", "dry_run=true")
    assert (code, err) == (0, "") and "parameters: vin_vv 12, residual 22" in out and "potential.png" in out
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
