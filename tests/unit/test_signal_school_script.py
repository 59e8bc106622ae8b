"""scripts/signal_school.py: its controls are what they are called, and a school that fails is said to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

SHORT = ("stream.lecture=40", "stream.ticks=40", "model.hidden=6", "steps=14")


@pytest.fixture
def school(script: Callable[[str], Any]) -> Any:
    return script("signal_school")


def test_a_short_school(school: Any) -> None:
    """The same seed gives the same marks, and no control those of another."""
    marks = [school.taught(setting, 1, *SHORT) for setting in school.settings(0.03)]
    assert marks[0] == school.taught(school.settings(0.03)[0], 1, *SHORT)
    assert len({tuple(m.errors) for m in marks}) == 3 and all(0 < e < 2 for m in marks for e in m.relative[:7])


def test_sgd_is_plain_and_of_the_same_effective_rate(school: Any) -> None:
    _, frozen, sgd = school.settings(0.03)
    built = school.build("experiment=signal_school", "scenario.beta=0.03", *sgd.overrides)
    assert built.sgd.lr == pytest.approx(0.1**2 * 0.03 / 0.2) and built.sgd.momentum == 0 and not built.hl.carry
    still = school.build("experiment=signal_school", *frozen.overrides)
    assert list(still.hl.weights()) == ["head.weight"]


def test_a_school_that_diverges_is_said_to(school: Any) -> None:
    marks = school.taught(school.settings(1e6)[0], 0, *SHORT)
    assert marks.errors == [float("inf")] * 8 and marks.growth > school.AWAY
