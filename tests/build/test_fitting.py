"""Defaults that fit the scheme, and a word where the state is carried across samples that do not follow one another."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from hl_cli.build import Comparison
from tests.material import needs

Build = Callable[..., Comparison]
SERIES = ("stream=series", *(one for one in needs("series") if "lags" not in one), "model=rnn", "model.hidden=4")
FORWARD = ("scheme=forward", "scenario=gd_a", "pytorch.window=8", "model=rnn", "model.hidden=4")


@pytest.mark.parametrize(
    ("overrides", "ticks"),
    [
        (("scheme=forward",), 1),
        ((), 24),
        (("scheme=forward", "scheme.reset=sample"), 24),
        (("scheme=forward", "stream.lags=5"), 5),
    ],
)
def test_lags_fit_the_scheme(build: Build, overrides: tuple[str, ...], ticks: int) -> None:
    built = build(*SERIES, "scenario=gd_a", *overrides)
    assert built.stream.ticks == built.fresh_stream().ticks == ticks
    assert ("overlap" in built.note) == (ticks == 5)


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (("stream=digits", *FORWARD), "shuffles them"),
        (("stream=digits_rows", "hold=3", *FORWARD), "shuffles them"),
        (("stream=digits_by_class", *FORWARD), "shuffles them"),
        (("stream=digits_permuted", *FORWARD), "shuffles them"),
        (("stream=digits", "pytorch.window=8", "model=rnn"), "shuffles them"),
        (("stream=lorenz", *FORWARD), "the net sees each row 16 times"),
        (("stream=drift", "hold=2", *FORWARD), "the net sees each row 16 times"),
        (("stream=lorenz", "stream.ticks=1", *FORWARD), ""),
        (("stream=lorenz", "stream.targets=all", *FORWARD), ""),
        (("stream=digits", *FORWARD, "scheme.reset=sample", "pytorch.window=null"), ""),
        (("stream=digits",), ""),
    ],
)
def test_a_choice_that_makes_no_sense_is_remarked_on(build: Build, overrides: tuple[str, ...], said: str) -> None:
    note = build(*overrides).note
    assert said in note and ("the state is carried across samples, but" in note) == bool(said)


def test_experiments_keep_their_lags() -> None:
    for path in (Path(__file__).parents[2] / "configs" / "experiment").glob("*.yaml"):
        text = path.read_text()
        if "override /stream: series" in text and "override /scheme: forward" in text:
            assert "lags: 1" in text
