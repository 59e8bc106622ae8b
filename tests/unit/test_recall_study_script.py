"""scripts/recall_study.py: its arms are what they are called, and a run that diverges is said to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

RUN = ("copy", 3, 0.01, 0)  # task, delay, rate, seed


@pytest.fixture
def study(script: Callable[[str], Any]) -> Any:
    return script("recall_study")


@pytest.mark.parametrize("net", ["rnn", "damped rotation"])
def test_arms(study: Any, net: str) -> None:
    """No two are the same; forward credit with its costates zeroed is window 1."""
    found = {arm: study.error(arm, net, *RUN, "steps=60") for arm in study.ARMS}
    assert len(set(found.values())) == len(study.ARMS) and all(0 < e < 3 for e in found.values())
    assert study.error("forward credit", net, *RUN, "steps=60", "scheme.carry=false") == found["window 1"]


def test_a_rate_at_which_it_diverges_is_never_the_best(study: Any) -> None:
    assert study.error("window 8", "rnn", "copy", 3, 1e30, 0, "steps=60") == float("inf")
