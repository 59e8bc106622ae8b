"""Signals: none is lost, not even one that Python drops."""

from __future__ import annotations

import signal
import sys
import time
import weakref
from collections.abc import Callable

import pytest

from hl_cli.interruption import insist


class Thing:
    """Something that a callback watches."""


def breaking_off(number: int, frame: object) -> None:
    sys.exit(128 + number)


@pytest.mark.parametrize(
    ("number", "handler", "raised"),
    [
        (signal.SIGINT, signal.default_int_handler, KeyboardInterrupt),
        (signal.SIGTERM, breaking_off, SystemExit),
    ],
)
def test_a_signal_in_a_callback_comes_again(
    number: signal.Signals,
    handler: Callable[..., object],
    raised: type[BaseException],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Python ignores whatever a callback of a weak reference raises."""
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
    before = signal.signal(number, handler)
    called: list[object] = []

    def callback(reference: object) -> None:
        called.append(reference)
        if len(called) == 1:
            signal.raise_signal(number)

    try:
        insist()
        thing = Thing()
        reference = weakref.ref(thing, callback)
        with pytest.raises(raised):
            del thing
            assert called == [reference]  # dropped
            time.sleep(5)
    finally:
        signal.signal(number, before)
