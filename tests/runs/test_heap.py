"""What was there is left out of collections for a while, and only for that; what comes is collected as ever."""

from __future__ import annotations

import gc
import weakref

import pytest

from hl_cli.runs.heap import settled


class Knot:
    """Garbage that only the collector finds."""

    def __init__(self) -> None:
        self.self = self


def test_only_what_comes_is_collected_meanwhile() -> None:
    before = weakref.ref(Knot())
    with settled():
        after = weakref.ref(Knot())
        gc.collect()
        assert before() is not None and after() is None
    gc.collect()
    assert before() is None


def test_it_ends_with_an_error() -> None:
    with pytest.raises(ValueError, match="broken"), settled():
        raise ValueError("broken")
    assert gc.get_freeze_count() == 0
