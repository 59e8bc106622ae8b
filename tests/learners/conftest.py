"""Shared by the tests of learners: what calls of the driver have taken."""

from __future__ import annotations

from typing import Any

import pytest

from hl_cli.engine.turns import Taken, Turns


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many periods each call has taken."""
    found, take = list[int](), Turns.take

    def counted(*given: Any, **named: Any) -> Taken:
        of = take(*given, **named)
        found.append(of.done)
        return of

    monkeypatch.setattr(Turns, "take", counted)
    return found
