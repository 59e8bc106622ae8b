"""hl-run task=video: its files, its refusals, and that the arms learn."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hydra import compose, initialize_config_module
from hydra.core.global_hydra import GlobalHydra
from omegaconf import OmegaConf

from hl_cli.build.video import video_of
from hl_cli.errors import BadInput
from hl_cli.reporting import video_energy, video_errors, video_strips

SMALL = ("steps=4", "seeds=2", "videos=12", "judged=5", "frames=6", "shown=2", "hidden=8", "units=6", "batch_size=8")
FILES = {
    "scores.csv", "summary.csv", "frames.csv", "training.csv", "energy.csv", "summary.json", "report.md", "report.html",
    "film.png", "speeds.png", "samples.png", "errors.png", "training.png", "energy.png", "phase.png", "SHA256SUMS",
    ".hydra",
}  # fmt: skip


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name in (
        (video_strips, "draw_film"), (video_strips, "draw_speeds"), (video_strips, "draw_samples"),
        (video_errors, "draw_errors"), (video_errors, "draw_training"),
    ):  # fmt: skip
        monkeypatch.setattr(module, name, lambda *arguments: None)
    monkeypatch.setattr(video_energy, "draw_all", lambda *arguments: False)


def test_a_video_writes_its_scores_and_the_table_that_it_prints(invoke: Any, tmp_path: Path) -> None:
    code, out, err = invoke("task=video", *SMALL, "hydra.run.dir=one")
    folder = tmp_path / "one"
    assert (code, err) == (0, ""), err
    assert {path.name for path in folder.iterdir()} == FILES
    scores, summary, frames, training, energy = (
        rows(folder / f"{name}.csv") for name in ("scores", "summary", "frames", "training", "energy")
    )
    assert [row["arm"] for row in summary] == ["hamiltonian", "residual", "gru"] and len(scores) == 3 * 2
    assert [int(row["frame"]) for row in frames] == [*range(-6, 18)] == [int(row["frame"]) for row in energy]
    assert len(training) == 4 and float(training[3]["residual_error"]) > 0
    own = [float(row["beyond"]) for row in scores if row["arm"] == "residual"]
    assert float(summary[1]["beyond_median"]) == pytest.approx(sum(own) / 2)
    first, gated = scores[0], scores[-1]
    assert float(first["there_and_back"]) < 1e-4 and 0 <= float(first["energy_rank"]) <= 1
    assert gated["backward"] == gated["half"] == gated["there_and_back"] == "" and frames[0]["gru"] == ""
    report = (folder / "report.md").read_text()
    for text in (out, report):
        assert f"{float(summary[1]['beyond_median']):.2g}" in text and "4 steps of 8 videos" in text
    assert (
        "Nothing here learns over time" in report
        and "It buys neither" in report
        and "It buys neither" in report
        and "hl-run task=video" in report
    )
    for name in ("film", "speeds", "samples", "errors", "energy", "phase", "training"):
        assert min(plt.imread(folder / f"{name}.png").shape[:2]) > 300 and f"({name}.png)" in report
    found = json.loads((folder / "summary.json").read_text())
    assert found["task"] == "video" and found["scene"]["stiffness"] == 2.0 and found["gru"]["parameters"] > 0


@pytest.mark.usefixtures("no_pictures")
def test_recorded_videos_are_taken_and_have_no_half_speed_and_no_energy(invoke: Any, tmp_path: Path) -> None:
    places = np.arange(20)[None, :] + np.arange(10)[:, None]
    found = np.zeros((10, 20, 16, 16))
    found[np.arange(10)[:, None], np.arange(20)[None, :], 8, places % 16] = 1
    np.save(tmp_path / "v.npy", found)
    words = ("scene=recorded", f"scene.path={tmp_path / 'v.npy'}", "judged=2", "dtype=float64")
    code, out, err = invoke("task=video", *SMALL, *words, "arms=[hamiltonian,gru]", "hydra.run.dir=one")
    assert (code, err) == (0, "") and "half speed" not in out.partition("Medians")[0]
    one = rows(tmp_path / "one" / "scores.csv")
    assert one[0]["half"] == one[0]["energy_rank"] == "" and float(one[0]["double"]) > 0
    assert [int(row["frame"]) for row in rows(tmp_path / "one" / "frames.csv")] == [*range(-4, 16)]


SAID = [
    ("stream=mackey_glass", "stream=mackey_glass (task=video): a video needs frames, which a scene has; "),
    (
        "lr=1e30 steps=50 videos=3 judged=2 hidden=4 frames=5",
        "arms=hamiltonian: its loss is not finite in replicate 1 ",
    ),
    ("scene=recorded scene.path=none.npy", "scene.path=none.npy: cannot be read: No such file or directory; allowed: "),
]


@pytest.mark.parametrize(("words", "said"), SAID, ids=[words for words, _ in SAID])
def test_bad_input_is_refused_in_a_line_and_leaves_nothing(invoke: Any, tmp_path: Path, words: str, said: str) -> None:
    code, _, err = invoke("task=video", *words.split())
    assert code == 1 and err.startswith(f"hl-run: {said}") and err.count("\n") == 1, err
    assert not [*tmp_path.iterdir()]


def test_what_a_config_cannot_mean_is_said_before_the_run(tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", np.linspace(0, 1, 10 * 40 * 256).reshape(10, 40, 16, 16))
    np.save(tmp_path / "still.npy", np.ones((10, 40, 16, 16)))
    GlobalHydra.instance().clear()
    with initialize_config_module("hl_cli.configs", version_base="1.3"):
        spring = compose("video")
        own = compose("video", overrides=["scene=recorded", f"scene.path={tmp_path / 'v.npy'}", "judged=2"])
    cases: list[tuple[Any, dict[str, Any], str]] = [
        (spring, {"arms": ["vin_vv"]}, "arms=['vin_vv']: vin_vv: allowed: hamiltonian, residual, gru, each once"),
        (spring, {"shown": 31}, "shown=31: allowed: at most frames=30"),
        (spring, {"horizon": 20}, "horizon=20: allowed: at least frames=30"),
        (spring, {"scene.mass": -1.0}, "scene.mass=-1.0"),
        (spring, {"device": "tpu"}, "device=tpu: allowed: cpu, cuda, mps"),
        (own, {"size": 28}, "frames of 16 x 16 pixels; allowed: 28 x 28, by size=28"),
        (own, {"frames": 41, "shown": 1}, "frames=41 (scene=recorded): allowed: at most 40, those of a video"),
        (own, {"horizon": 38, "back": 3}, "back=3, horizon=38 (scene=recorded): 41 frames; allowed: at most 40 in all"),
        (own, {"judged": 3}, "allowed: at most 2, the held-out videos"),
        (
            own,
            {"scene.path": str(tmp_path / "still.npy")},
            "all frames for training are the same; allowed: videos that",
        ),
        (own, {"scene.held_out": 0.01}, "no video for judging; allowed: one or more"),
    ]
    for cfg, changes, said in cases:
        changed = cfg.copy()
        for key, value in changes.items():
            OmegaConf.update(changed, key, value)
        with pytest.raises(BadInput, match=re.escape(said)):
            video_of(changed)
    assert [(of.back, of.horizon) for of in (video_of(spring)[0], video_of(own)[0])] == [(30, 90), (3, 37)]


def test_a_dry_run_says_the_budget_and_writes_nothing(invoke: Any, tmp_path: Path) -> None:
    code, out, err = invoke("task=video", *SMALL, "arms=[residual]", "dry_run=true")
    assert (code, err) == (0, "") and "parameters: residual " in out and "film.png" in out and "energy.png" not in out
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
