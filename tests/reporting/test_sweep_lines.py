"""What the pictures of a sweep draw: bands over seeds, a run that diverged as the worst, panels of arms."""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hl_cli.reporting.palette import key_of
from hl_cli.reporting.sweep_figure import draw_sweep
from hl_cli.reporting.sweep_lines import Band, Curves, band, divergences, panels, reach
from hl_cli.reporting.sweep_table import LABEL, label_of

ARMS = ("pytorch", "hl", "adam", "tbptt8", "tbptt32", "rtrl")
STEPS = np.arange(1, 6)


def job(folder: Path, number: int, arms: tuple[str, ...], **more: Any) -> dict[str, Any]:
    """A job that has run: running.csv with the loss number + 10 arm / step."""
    name = f"job{number}"
    (folder / name).mkdir()
    with (folder / name / "running.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["step", *(f"window_{arm}_{metric}" for metric in ("loss", "accuracy") for arm in arms)])
        for step in STEPS:
            losses = [number + 10 * (k + 1) / step for k in range(len(arms))]
            writer.writerow([step, *losses, *(1 / (1 + loss) for loss in losses)])
    scores = {f"{arm}_final_loss": 1.0 for arm in arms}
    return {
        "job": number,
        "status": "done",
        "reference": "pytorch",
        "main": "accuracy",
        "folder": name,
        **scores,
        **more,
    }


def test_the_band_is_the_median_and_the_quartiles_of_the_seeds(tmp_path: Path) -> None:
    rows = [job(tmp_path, k, ("pytorch", "hl"), lr="0.1", seed=str(k)) for k in range(4)]
    (lines,) = panels(tmp_path, rows, ["lr"], {}).values()
    assert [(line.arm, len(line.jobs), line.wide) for line in lines] == [("pytorch", 4, True), ("hl", 4, False)]
    found = Curves(tmp_path).band(lines[1], "loss")
    assert found is not None and found.low is not None and found.high is not None
    each = np.array([k + 20 / STEPS for k in range(4)])
    wanted = np.quantile(each, (0.25, 0.5, 0.75), axis=0)
    np.testing.assert_allclose([found.low, found.middle, found.high], wanted, rtol=1e-12)
    ((_, one),) = panels(tmp_path, rows[:1], ["lr"], {}).values()
    alone = Curves(tmp_path).band(one, "loss")
    assert alone is not None and alone.low is None and alone.middle.tolist() == (20 / STEPS).tolist()


def test_arms_have_the_labels_of_their_runs(tmp_path: Path) -> None:
    """As in curves.png; the name of the arm where the jobs call it differently."""
    called = {LABEL + arm: label for arm, label in (("pytorch", "PyTorch"), ("hl", "HL"), ("adam", "Adam, fast"))}
    rows = [job(tmp_path, k, ("pytorch", "hl", "adam"), **called, diverged="adam:3") for k in range(2)]
    (lines,) = panels(tmp_path, rows, [], {}).values()
    assert [line.label for line in lines] == ["PyTorch", "HL", "Adam, fast"]
    assert divergences(rows[:1], []) == ["Adam, fast at step 3 (job 0)"]
    rows[1][LABEL + "adam"] = "Adam, slow"
    assert label_of(rows, "adam") == "adam" and label_of([{}], "hl") == "HL"


@pytest.mark.parametrize("larger", [False, True])
def test_one_that_diverged_is_the_worst_from_then_on(larger: bool) -> None:
    sign = -1.0 if larger else 1.0
    curves = [(STEPS, sign * (k + STEPS * 0.0), None) for k in range(2)]
    curves.append((STEPS[:2], sign * np.array([-5.0, -6.0]), 3))
    found = band(curves, larger)
    assert found.middle.tolist() == [0.0, 0.0, sign, sign, sign] and found.ends == [(3.0, sign * -6.0)]
    gone = found.high if sign > 0 else found.low
    assert gone is not None and np.isnan(gone[2:]).all() and not np.isnan(gone[:2]).any()
    most = band([*curves, (STEPS[:1], np.array([sign]), 2), (STEPS[:1], np.array([sign]), 2)], larger)
    assert np.isnan(most.middle[2:]).all()  # most of them are gone: there is no median
    early = band([curves[0], (STEPS[:3], np.zeros(3), None)], larger)
    assert np.isfinite(early.middle).all()  # ended early, which is no divergence


def test_the_scores_after_a_divergence_are_not_drawn(tmp_path: Path) -> None:
    rows = [job(tmp_path, k, ("pytorch", "hl"), seed=str(k), diverged="hl:3" * (k == 1)) for k in range(2)]
    ((reference, hl),) = panels(tmp_path, rows, [], {}).values()
    found = Curves(tmp_path).band(hl, "loss")
    assert found is not None and found.ends == [(3.0, 1 + 20 / 2)] and hl.diverged == 1 and reference.diverged == 0
    assert divergences(rows, ["seed"]) == ["HL at step 3 (job 1: seed 1)"]


def test_of_many_arms_each_has_its_colour_and_each_setting_a_panel(tmp_path: Path) -> None:
    choices = [{"lr": lr, "seed": seed} for lr in ("0.1", "0.2") for seed in ("0", "1")]
    rows = [job(tmp_path, k, ARMS, **choice) for k, choice in enumerate(choices)]
    found = panels(tmp_path, rows, ["lr"], {"model": "gru", "stream": "recall"})
    assert list(found) == ["gru on recall, lr 0.1", "gru on recall, lr 0.2"]
    for lines in found.values():
        assert lines[0].arm == "pytorch" and {line.arm for line in lines} == set(ARMS)
        assert {line.color for line in lines} == {key_of(arm, ARMS) for arm in ARMS}
        assert {len(line.jobs) for line in lines} == {2}
    rows[3]["diverged"] = "adam:2"
    picture = draw_sweep(tmp_path, rows, ["lr"], {"model": "gru", "stream": "recall"}, ["lr", "seed"])
    assert picture is not None and picture.read_bytes().startswith(b"\x89PNG")


def test_a_run_that_diverged_rules_no_axis() -> None:
    sound = Band(STEPS, np.linspace(1.0, 0.5, 5), None, None, [])
    wild = Band(STEPS, np.geomspace(1.0, 1e30, 5), None, None, [(5.0, 1e30)])
    assert reach([sound, wild], "loss") == reach([sound], "loss")
    log, _, high = reach([wild], "loss") or (False, 0.0, 0.0)
    assert log and high > 1e30 and math.isfinite(high)
