"""thousands.csv against sums over the steps of curves.csv, and its table."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from hl_cli.build import Comparison
from hl_cli.compare.differences import Differences
from hl_cli.compare.side_by_side import side_by_side
from hl_cli.reporting.thousands import MOST_ROWS, Thousands, thousands

Build = Callable[..., Comparison]
NAMES = {"hl": "HL", "pytorch": "PyTorch"}


def test_each_row_is_of_its_own_span(build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """250 steps, 100 a row: two rows and a rest; the error of a learner by the power of what it was asked."""
    monkeypatch.setattr("hl_cli.reporting.thousands.SPAN", 100)
    built = build("stream=sine", "stream.ticks=1", "model=linear", "split=output", "steps=250", "eval_every=0")
    table = Thousands(tmp_path, built.measure, tuple(NAMES))
    apart = Differences(built.hl.weights(), built.pytorch.weights())
    losses = []
    for record in side_by_side(built.stream, built.hl, built.pytorch, built.measure, built.schedule, apart):
        table.consume(record)
        losses.append(record.means["hl"][0])
    table.close()
    fresh = built.fresh_stream()
    power = torch.tensor([float(next(fresh).target.square().mean()) for _ in range(250)])  # type: ignore[union-attr]
    with (tmp_path / "thousands.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(int(r["first_step"]), int(r["last_step"])) for r in rows] == [(1, 100), (101, 200), (201, 250)]
    for row, first, last in zip(rows, (0, 100, 200), (100, 200, 250), strict=True):
        loss = sum(losses[first:last]) / (last - first)
        assert float(row["hl_loss"]) == pytest.approx(loss, rel=1e-6)
        assert float(row["hl_power_error"]) == pytest.approx(loss / float(power[first:last].mean()), rel=1e-5)
        assert row["hl_r2"] == row["pytorch_r2"]
    shown = thousands(tmp_path, NAMES)
    assert shown[0][:3] == ["steps", "loss, HL", "loss, PyTorch"] and "power error, HL" in shown[0]
    assert [row[0] for row in shown[1:]] == ["1 to 100", "101 to 200", "201 to 250"]


@pytest.mark.parametrize("count", [0, 1, 20, 21, 59])
def test_the_table_of_a_report_is_short_and_has_the_last(tmp_path: Path, count: int) -> None:
    lines = ["first_step,last_step,hl_loss,pytorch_loss", *(f"{k}001,{k + 1}000,{k},{k}" for k in range(count))]
    (tmp_path / "thousands.csv").write_text("\n".join(lines) + "\n")
    rows = thousands(tmp_path, NAMES)
    assert min(count, 1) <= len(rows) - 1 <= MOST_ROWS and (not count or rows[-1][1] == str(count - 1))
