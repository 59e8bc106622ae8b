"""hl-run task=density: its files, its numbers, its refusals."""

from __future__ import annotations

import copy
import csv
import json
import re
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pytest
import torch
from hydra import compose, initialize_config_module
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig, OmegaConf

from hl_cli.build.density import density_of
from hl_cli.density.arms import parameters, width
from hl_cli.density.energy_distance import energy_distance
from hl_cli.errors import BadInput
from hl_cli.reporting import density_film, density_pictures
from tests.covering import long

SMALL = (
    "task=density", "steps=4", "tune_steps=2", "rates=[0.01,1e-3]", "seeds=2", "parameters=200", "flows=1",
    "leapfrogs=2", "couplings=2", "bound_samples=3", "grid_samples=2", "samples=60", "components=[1,8]",
)  # fmt: skip
FEW = ("data.train=300", "data.apart=50", "data.held_out=80")
FILES = {
    "scores.csv", "summary.csv", "samples.csv", "training.csv", "tuning.csv", "summary.json", "report.md",
    "report.html", "density.png", "samples.png", "film.png", "potential.png", "training.png", "SHA256SUMS", ".hydra",
}  # fmt: skip


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def points(rows: list[dict[str, str]], arm: str) -> torch.Tensor:
    return torch.tensor([[[float(row["x1"]), float(row["x2"])] for row in rows if row["arm"] == arm]])


def mute(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without pictures, which take longer than the rest, but density.png, potential.png and digits.png."""
    for module, name in ((density_pictures, "samples"), (density_pictures, "training"), (density_film, "film")):
        monkeypatch.setattr(module, f"draw_{name}", lambda *arguments: None)


def test_four_arms_on_the_same_points(invoke: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code, out, err = invoke(*SMALL, *FEW, "grid=12", "hydra.run.dir=one")
    assert (code, err) == (0, ""), err
    folder = tmp_path / "one"
    assert {path.name for path in folder.iterdir()} == FILES
    scores, summary, samples, tuning = (
        rows(folder / f"{name}.csv") for name in ("scores", "summary", "samples", "tuning")
    )
    arms = ["nhf", "nhf_fixed", "realnvp", "gmm"]
    assert [row["arm"] for row in summary] == arms and len(scores) == 5 * 2 and len(tuning) == 3 * 2
    assert len(samples) == 5 * 60
    by_arm = {arm: [row for row in scores if row["arm"] == arm] for arm in [*arms, "truth"]}
    for arm in arms:  # the first replicate's points are those that were judged
        distance = energy_distance(points(samples, arm), points(samples, "held_out"))
        assert float(by_arm[arm][0]["energy_distance"]) == pytest.approx(float(distance))
    for arm, exact in zip(arms, (False, False, True, True), strict=True):
        assert all((row["elbo"] == row["bound"]) == exact for row in by_arm[arm])
        assert all(float(row["elbo"]) <= float(row["bound"]) for row in by_arm[arm])
    assert all(float(row[name]) < 1e-12 for row in by_arm["nhf"] for name in ("log_det", "back"))
    assert all(float(row["turned"]) < 1e-12 for row in by_arm["nhf_fixed"]) and by_arm["realnvp"][0]["turned"] == ""
    assert min(float(row["turned"]) for row in by_arm["nhf"]) > 1e-6 < float(by_arm["realnvp"][0]["log_det"])
    gmm, truth = (sum(float(row["bound"]) for row in by_arm[arm]) / 2 for arm in ("gmm", "truth"))
    assert gmm == pytest.approx(truth, abs=0.2) and float(by_arm["gmm"][0]["bound"]) > float(by_arm["nhf"][0]["bound"])
    for arm in arms[:3]:  # the best rate of those that were tried
        tried = {row["lr"]: float(row["log_weight"]) for row in tuning if row["arm"] == arm}
        assert by_arm[arm][0]["lr"] == max(tried, key=lambda lr: tried[lr]) and int(by_arm[arm][0]["parameters"]) <= 200
    found = json.loads((folder / "summary.json").read_text())
    assert found["task"] == "density" and found["gmm"]["bound"][1] == pytest.approx(gmm)
    report = (folder / "report.md").read_text()
    assert "truth, two real samples" in out and "Nothing here learns over time" in report and "(film.png)" in report
    assert min(plt.imread(folder / "density.png").shape[:2]) > 300
    mute(monkeypatch)
    few = ("arms=[nhf_fixed]", "hydra.run.dir=two")  # the numbers of an arm do not depend on the others
    assert invoke(*SMALL, *FEW, "grid=12", *few)[0] == 0
    assert rows(tmp_path / "two" / "scores.csv")[:2] == by_arm["nhf_fixed"]


@long
def test_points_that_are_not_in_the_plane_have_no_density_picture(
    invoke: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mute(monkeypatch)
    code, out, err = invoke(
        *SMALL, "data=digits", "data.n=5", "arms=[realnvp,gmm]", "rates=[0.01]", "hydra.run.dir=one"
    )
    assert (code, err) == (0, "") and "5 principal components" in out and "1,078 points to train with" in out
    names = {path.name for path in (tmp_path / "one").iterdir()}
    assert not names & {"density.png", "potential.png", "tuning.csv"} and "digits.png" in names
    truth = [row for row in rows(tmp_path / "one" / "scores.csv") if row["arm"] == "truth"]
    assert all(row["bound"] == "" and float(row["energy_distance"]) < 0.2 for row in truth)


def test_bad_input_is_refused_in_a_line_and_leaves_nothing(invoke: Any, tmp_path: Path) -> None:
    words = {
        "rates=[1e30] arms=[nhf] data.train=50": "arms=nhf: its likelihood is not finite in replicate 1 at step ",
        "data=hexagon": "data=hexagon: ",
        "stream=sine": "stream=sine (task=density): nothing learns over time there",
        "-m hydra/sweeper=study": "hydra/sweeper=StudySweeper (task=density): no one number says how good it was; ",
    }
    for given, said in words.items():
        code, _, err = invoke(*SMALL[:2], "flows=1", "leapfrogs=1", *given.split())
        assert code == 1 and err.startswith(f"hl-run: {said}") and err.count("\n") == 1, err
    assert not [*tmp_path.iterdir()]


def test_what_a_config_cannot_mean_is_said_before_the_run(tmp_path: Path) -> None:
    path, hole, flat = (tmp_path / name for name in ("x.csv", "hole.csv", "flat.csv"))
    path.write_text("a,b\n" + "".join(f"{k},{k * k % 7}\n" for k in range(30)))
    hole.write_text("a,b\n1,2\n1,inf\n")
    flat.write_text("a\n" + "1\n" * 30)
    GlobalHydra.instance().clear()
    with initialize_config_module("hl_cli.configs", version_base="1.3"):
        mixture = compose("density")
        table = compose(
            "density", overrides=["data=table", f"data.path={path}", "data.columns=[a,b]", "components=[1]"]
        )
        digits = compose("density", overrides=["data=digits"])
    cases: list[tuple[DictConfig, dict[str, Any], str]] = [
        (digits, {"data.n": 5, "grid": 40}, "grid=40 (data=digits): a density picture is of points in the plane, and "
         "these have 5 numbers; allowed: null, "),
        (digits, {"data.n": 1}, "arms: realnvp (data=digits): it couples two parts of a point; allowed: 2 numbers"),
        (mixture, {"arms": ["nhf", "flow"]}, "arms=['nhf', 'flow']: flow: allowed: nhf, nhf_fixed, realnvp, gmm"),
        (mixture, {"rates": []}, "rates=[]: allowed: one or more"),
        (mixture, {"parameters": 40}, "parameters=40: too few for nhf; allowed: at least "),
        (table, {"components": [1, 40]}, "components=[1, 40]: allowed: at most 18, the training points"),
        (table, {"data.columns": ["c"]}, "data.columns=c: no such column in x.csv; allowed: 'a', 'b'"),
        (table, {"data.path": str(hole)}, "line 3: b: inf; allowed: a finite number"),
        (table, {"data.path": str(flat), "data.columns": ["a"]}, "data.columns: a is constant"),
        (table, {"data.path": "none.csv"}, "data.path=none.csv: cannot be read: No such file or directory"),
    ]  # fmt: skip
    for cfg, changes, said in cases:
        changed = copy.deepcopy(cfg)
        for key, value in changes.items():
            OmegaConf.update(changed, key, value)
        with pytest.raises(BadInput, match=re.escape(said)):
            density_of(changed)
    setting, arms, _, grid = density_of(table)
    assert grid == 80 and (setting.data.n, len(setting.parts[0].held_out)) == (2, 9)
    for arm in arms[:3]:  # all as wide as the budget allows
        assert arm.flow is not None
        hidden = width(arm.flow, 2, 18_000)
        assert parameters(arm.flow, 2, hidden) <= 18_000 < parameters(arm.flow, 2, hidden + 1)


def test_a_dry_run_says_the_budget_and_writes_nothing(invoke: Any, tmp_path: Path) -> None:
    code, out, err = invoke(*SMALL, *FEW, "arms=[realnvp,gmm]", "dry_run=true")
    assert (code, err) == (0, "") and "parameters: realnvp 1" in out and "film.png" in out
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
