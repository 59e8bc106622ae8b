"""What pictures show of curves.csv is the same, however many rows are looked at together."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from hl_cli.compare.metrics import Measure
from hl_cli.compare.window import WINDOW
from hl_cli.reporting import columns, decimals
from hl_cli.reporting import shortened as file_of_it
from hl_cli.reporting.html.thinning import Rolling, thinned
from hl_cli.reporting.shortened import POINTS, averaged, settled, shortened
from hl_cli.types import Task

ARMS = ("hl", "pytorch")


@pytest.mark.parametrize("rows", [0, 1, 7, 450, 3200, 3201, 7919])
def test_it_is_what_whole_columns_say(rows: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_of_it, "TOGETHER", 500)
    monkeypatch.setattr(columns, "BLOCK", 20_000)
    measure = Measure(Task("values", 1, "all"), "mse")
    names = [f"{arm}_{quantity}" for quantity in measure.names for arm in ARMS]
    drawn = np.random.default_rng(rows)
    values = drawn.standard_normal((rows, len(names)))
    values[drawn.random(values.shape) < 0.02] = np.nan
    values[3000:, 1] = np.nan  # an arm that has diverged
    text = decimals.by_python(1, values)
    (tmp_path / "curves.csv").write_text(",".join(["step", *names]) + "\r\n" + text, newline="")
    found = shortened(tmp_path / "curves.csv", ARMS, measure)
    steps, whole = np.arange(1.0, rows + 1), dict(zip(names, values.T.copy(), strict=True))
    window = max(1, rows // POINTS)
    assert (found.rows, found.window) == (rows, window)
    for quantity in measure.drawn:
        of = {arm: f"{arm}_{quantity}" for arm in ARMS}
        every = {"step": steps, **whole}
        assert found.each[quantity] == thinned(every, {"step": "step", **of}, "step")
        pooled = quantity in measure.pooled
        for name in of.values():
            x, y = found.drawn[name]
            expected = [one[::window] if pooled else averaged(one, window) for one in (steps, whole[name])]
            assert np.array_equal(x, expected[0]) and np.array_equal(y, expected[1], equal_nan=True)
        if pooled:
            late = [v for name in of.values() for v in whole[name][settled(rows) :] if math.isfinite(v)]
            assert found.lowest[quantity] == min(late, default=0.0)
        else:
            over = {name: Rolling(WINDOW).of(whole[name]) for name in of.values()}
            assert found.smooth[quantity] == thinned({"step": steps, **over}, {"step": "step", **of}, "step")
    assert set(found.smooth) | set(found.lowest) == set(measure.drawn) and found.lowest
