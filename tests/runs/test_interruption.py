"""Signals: none is lost, not even one that Python drops."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
import weakref
from collections.abc import Callable

import pytest

from hl_cli.runs.signals import Interruption, insist


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


START = """
import signal, sys
from hl_cli.cli import entry as cli

def broken_off():
    try:
        signal.raise_signal(signal.SIGINT)
    finally:  # it is leaving, and the second one comes
        signal.raise_signal(signal.SIGINT)

cli._main = broken_off
cli.main()
"""


def test_a_second_ctrl_c_ends_with_the_code_of_the_first() -> None:
    said = subprocess.run([sys.executable, "-c", START], capture_output=True, text=True)
    assert (said.returncode, said.stderr) == (130, "hl-run: broken off by Ctrl-C\n")


def test_nohup_is_heeded() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Interruption() as stop:
            signal.raise_signal(signal.SIGHUP)
            assert not stop()
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        with Interruption() as stop:
            signal.raise_signal(signal.SIGHUP)
            assert stop() and stop.received is signal.SIGHUP
    finally:
        signal.signal(signal.SIGHUP, before)
