"""Shared by the tests of learners: what bursts have taken."""

from __future__ import annotations

from typing import Any

import pytest

from hl_cli.engine.native import Burst
from hl_cli.learners import bursts


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many periods each burst has taken."""
    found, run = [], bursts.burst

    def counted(*given: Any) -> Burst:
        of = run(*given)
        found.append(len(of.first))
        return of

    monkeypatch.setattr(bursts, "burst", counted)
    return found
