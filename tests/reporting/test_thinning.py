"""Long columns made short: what is extreme stays, what stays is true."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hl_cli.compare.metrics import Measure
from hl_cli.reporting.html.learning import curves
from hl_cli.reporting.html.thinning import Rolling, kept, plain, stretches, thinned
from hl_cli.reporting.palette import Look
from hl_cli.reporting.shortened import shortened
from hl_cli.types import Task

BUCKETS = 5
VALUES = st.lists(st.floats(-1e6, 1e6) | st.just(math.nan), min_size=1, max_size=300)


@given(VALUES, st.integers(0, 2**32 - 1))
def test_every_bucket_keeps_its_extremes_of_both_columns(values: list[float], seed: int) -> None:
    other = np.random.default_rng(seed).normal(size=len(values))
    columns = {"a": values, "b": other}
    rows = kept(columns, ["a", "b"], BUCKETS)
    assert list(rows) == sorted(set(rows))
    if len(values) <= 8 * BUCKETS:
        assert len(rows) == len(values)
        return
    assert len(rows) <= 4 * BUCKETS + 2 and {0, len(values) - 1} <= set(rows)
    size = math.ceil(len(values) / BUCKETS)
    for start in range(0, len(values), size):
        here = [k for k in rows if start <= k < start + size]
        for column in (np.array(values), other):
            bucket = column[start : start + size]
            if not np.isnan(bucket).all():
                assert np.nanmin(column[here]) == np.nanmin(bucket)
                assert np.nanmax(column[here]) == np.nanmax(bucket)


def test_rows_stay_together_and_a_million_become_few() -> None:
    steps = np.arange(1, 10**6 + 1)
    spike = np.zeros(10**6)
    spike[654_321] = 7.0
    found = thinned({"step": steps, "x": spike, "y": -steps}, {"step": "step", "x": "x", "y": "y"}, "step")
    assert len(found["step"]) < 2000
    assert found["step"][found["x"].index(7)] == 654_322
    assert [-step for step in found["step"] if step is not None] == found["y"]


def test_numbers_as_json_takes_them() -> None:
    assert plain([math.nan, math.inf, 0.0, 3.0, 1 / 3, 1e-30]) == [None, None, 0, 3, 0.3333333, 1e-30]


def test_stretches_show_the_largest() -> None:
    grid = np.arange(1000.0).reshape(1, -1)
    starts, cells = stretches(grid)
    assert len(starts) <= 120 and starts[0] == 0 and cells[0, -1] == 999.0
    assert [cells[0, k] for k in range(len(starts) - 1)] == [start - 1.0 for start in starts[1:]]
    starts, cells = stretches(grid[:, :7])
    assert starts == list(range(7)) and cells.tolist() == [[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0]]


def test_a_rolling_mean_is_that_of_the_last_numbers() -> None:
    values = np.array([1e30, 1.0, np.nan, 3.0, 5.0, np.nan])
    assert np.array_equal(Rolling(2).of(values), [1e30, (1e30 + 1.0) / 2, np.nan, 2.0, 4.0, np.nan], equal_nan=True)
    assert np.isnan(Rolling(2).of(np.full(3, np.nan))).all() and len(Rolling(2).of(np.empty(0))) == 0
    many = np.random.default_rng(0).normal(size=500)
    whole = Rolling(100).of(many)
    assert np.allclose(whole, [many[max(0, k - 99) : k + 1].mean() for k in range(500)], atol=1e-13)
    parts = Rolling(100)
    assert np.array_equal(np.concatenate([parts.of(many[k : k + 130]) for k in range(0, 500, 130)]), whole)


def test_the_first_steps_do_not_rule_the_axis_of_a_ratio(tmp_path: Path) -> None:
    steps = [*range(1, 41)]
    table = {"hl_r2": [-500.0, -3.0, *[0.5] * 38], "pytorch_r2": [-500.0, -3.0, *[0.6] * 38]}
    rows = [f"{step},1,1,{table['hl_r2'][step - 1]},{table['pytorch_r2'][step - 1]}" for step in steps]
    for name, kept_rows in (("curves.csv", rows), ("evaluation.csv", rows[-1:])):
        (tmp_path / name).write_text("\n".join(["step,hl_loss,pytorch_loss,hl_r2,pytorch_r2", *kept_rows]) + "\n")
    arms = [
        Look("pytorch", "PyTorch", "#d1495b", "pytorch", True, False),
        Look("hl", "HL", "#00477f", "hl", False, True),
    ]
    measure = Measure(Task("values", 1, "all"), "mse")
    section = curves(tmp_path, shortened(tmp_path / "curves.csv", ["hl", "pytorch"], measure), measure, arms, 0)
    (figure,) = [one for one in section.figures if one["y"] == "r2"]
    low, high = figure["reach"]
    assert -0.1 < low <= 0.5 and 0.6 <= high < 1.2
    assert [one["title"] for one in section.figures if one["y"] == "loss"] == ["loss, over the last 100 steps"]
