"""Held-out errors in the units of the data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hl_cli.reporting.own_units import own_units
from hl_cli.streams.held import Held
from hl_cli.streams.series import SeriesStream


@pytest.mark.parametrize("changes", [False, True])
def test_an_error_times_the_spread_is_the_error_in_the_file(tmp_path: Path, changes: bool) -> None:
    values = np.random.default_rng(3).normal(size=200).cumsum() * 40 + 7
    (tmp_path / "a.csv").write_text("OT\n" + "".join(f"{v!r}\n" for v in values.tolist()))
    stream = Held(SeriesStream(str(tmp_path / "a.csv"), "OT", lags=1, warmup=20, changes=changes), 2)
    known = np.diff(values[:160], prepend=values[:1]) if changes else values[:160]
    assert stream.spread == pytest.approx(known.std()) == stream.describe().spread
    held_out = stream.held_out()
    assert held_out.target is not None and held_out.baseline is not None
    mae = float((held_out.target - held_out.baseline).abs().mean())
    summary = {"stream": {"spread": stream.spread}, "labels": {"hl": "HL"}, "hl": {"held_out_mae": mae}}
    true = abs(np.diff(values[160:])).mean()  # of repeating the last value
    assert own_units(summary) == f"held-out mae {true:.4g} (HL); 1 of a standardised score is {known.std():.4g}"
    assert own_units({**summary, "stream": {"spread": None}}) == "" == own_units({**summary, "hl": {}})
