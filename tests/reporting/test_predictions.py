"""predictions.csv: what each arm said of every sample, in the units of the data, the same after a broken-off run."""

from __future__ import annotations

import csv
import math
from itertools import islice
from pathlib import Path

import pytest
import torch

from hl_cli.build import comparison
from hl_cli.compare.metrics import named
from hl_cli.runs.resume import Resumed
from hl_cli.runs.run import run
from tests.broken_off import OFTEN, Configured, Killed, apart, die_at, made

pytestmark = pytest.mark.usefixtures("no_pictures")
Row = dict[str, str]


def rows(folder: Path) -> list[Row]:
    with (folder / "predictions.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_classes_are_those_that_the_curves_are_made_of(configured: Configured, tmp_path: Path) -> None:
    run(configured("steps=40", "batch_size=3", "predictions=true"), tmp_path)
    found = rows(tmp_path)
    assert list(found[0]) == ["step", "sample", "target", "hl", "pytorch"]
    assert [(row["step"], row["sample"]) for row in found] == [
        (str(s + 1), str(k)) for s in range(40) for k in range(3)
    ]
    with (tmp_path / "curves.csv").open(newline="") as file:
        curves = list(csv.DictReader(file))
    for name in ("hl", "pytorch"):
        right = [row[name] == row["target"] for row in found]
        mean = [sum(right[3 * s : 3 * s + 3]) / 3 for s in range(40)]
        assert mean == pytest.approx([float(row[f"{name}_accuracy"]) for row in curves], abs=1e-6)
    assert not run(configured("steps=2"), made(tmp_path / "without")).exit_code
    assert not (tmp_path / "without" / "predictions.csv").exists()


@pytest.mark.parametrize("loss", ["cross_entropy", "binary"])
def test_a_class_is_named_by_the_largest_output_or_the_sign_of_the_only_one(loss: str) -> None:
    y = torch.tensor([[-1.0], [2.0]]) if loss == "binary" else torch.tensor([[1.0, 0.0], [-3.0, -2.0]])
    assert named(y).tolist() == [0, 1]


def test_values_at_every_tick_have_a_row_a_tick_and_a_column_a_number(configured: Configured, tmp_path: Path) -> None:
    cfg = configured("steps=5", "stream=lorenz", "stream.targets=all", "stream.ticks=3", "batch_size=2", "model=rnn")
    cfg.predictions = True
    run(cfg, tmp_path)
    found = rows(tmp_path)
    assert list(found[0])[:4] == ["step", "sample", "tick", "target_1"] and "pytorch_3" in found[0]
    assert [(row["sample"], row["tick"]) for row in found[:6]] == [(s, t) for s in "01" for t in "012"]
    samples = list(islice(comparison(cfg).stream, 5))
    target = torch.cat([sample.target for sample in samples if sample.target is not None]).tolist()
    assert [[float(row[f"target_{k}"]) for k in (1, 2, 3)] for row in found] == target


def test_a_pipeline_says_of_a_sample_what_it_is_some_steps_later(configured: Configured, tmp_path: Path) -> None:
    cfg = configured("steps=12", "scheme=local", "split=state", "model.hidden=[8,8]", "predictions=true")
    run(cfg, tmp_path)
    found = rows(tmp_path)
    assert [row["step"] for row in found] == [str(step) for step in range(1, 13)]
    assert [row["hl"] == "" for row in found] == [False] * 10 + [True] * 2  # three blocks: two steps late
    assert all(row["pytorch"] for row in found)
    before = comparison(cfg)  # at the first steps no weight of its net has moved
    assert before.hl.predict(next(before.stream).inputs).argmax() == int(found[0]["hl"])


def series(folder: Path) -> Path:
    lines = [f"{100 + 20 * math.sin(k / 7):.4f},{k % 13}" for k in range(500)]
    (folder / "s.csv").write_text("y,x\n" + "\n".join(lines) + "\n")
    return folder / "s.csv"


@pytest.mark.parametrize("changes", [False, True])
def test_values_are_in_the_units_of_the_file(configured: Configured, tmp_path: Path, changes: bool) -> None:
    file = series(tmp_path)
    cfg = configured("stream=series", f"stream.path={file}", "stream.target=y", "steps=60", "dtype=float64")
    cfg.stream.lags, cfg.stream.horizon, cfg.stream.changes, cfg.predictions = 4, 3, changes, True
    run(cfg, made(tmp_path / "run"))
    found = rows(tmp_path / "run")
    values = [float(line.split(",")[0]) for line in file.read_text().splitlines()[1:]]
    first = cfg.stream.warmup + cfg.stream.lags - 1 + cfg.stream.horizon
    wanted = values[first : first + 60]
    assert [float(row["target"]) for row in found] == pytest.approx(wanted, abs=1e-9)
    if not changes:  # a sample is scored in standardised units: the two agree
        with (tmp_path / "run" / "curves.csv").open(newline="") as curves:
            loss = [float(row["hl_loss"]) for row in csv.DictReader(curves)]
        seen = values[: first - cfg.stream.horizon + 1]
        spread = math.sqrt(sum((v - sum(seen) / len(seen)) ** 2 for v in seen) / len(seen))
        assert ((float(found[0]["hl"]) - wanted[0]) / spread) ** 2 == pytest.approx(loss[0], rel=1e-9)


@pytest.mark.parametrize(
    "case",
    [
        ("scheme=local", "split=state", "model.hidden=[8,8]", "hold=2"),
        ("stream=series", "stream.target=y", "stream.lags=5", "stream.targets=all", "model=gru", "batch_size=2"),
    ],
    ids=lambda case: case[0],
)
def test_a_resumed_run_has_the_same_predictions(
    case: tuple[str, ...], configured: Configured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = [f"stream.path={series(tmp_path)}", "steps=30"] if "stream=series" in case else []
    cfg = configured(*OFTEN, *case, *own, "predictions=true")
    whole, broken = made(tmp_path / "whole"), made(tmp_path / "broken")
    run(cfg, whole)
    die_at(25, monkeypatch)
    with pytest.raises(Killed):
        run(cfg, broken)
    die_at(-1, monkeypatch)
    run(cfg, broken, resumed=Resumed(broken))
    assert apart(whole, broken) == []
    assert (whole / "predictions.csv").read_bytes() == (broken / "predictions.csv").read_bytes()
