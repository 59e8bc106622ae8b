"""Rank 0 may keep the store: where it hangs or goes, the others still say who was lost first."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch.distributed as dist

from hl_cli.parallel import heartbeat as heartbeat_module
from hl_cli.parallel.heartbeat import Heartbeat

KEEPER = """
import os, sys, time
import torch.distributed as dist
from hl_cli.parallel.heartbeat import home
store = dist.TCPStore("127.0.0.1", 0, None, True, wait_for_workers=False)
store.set("process/0", f"{os.getpid()} {home()}")
print(store.port, flush=True)
time.sleep(600)
"""


@contextmanager
def kept(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[subprocess.Popen[str], dist.TCPStore, Heartbeat]]:
    """A process that keeps the store, and the heartbeat of rank 1 in this one."""
    monkeypatch.setattr(heartbeat_module, "BEAT", 0.05)
    command = [sys.executable, "-c", KEEPER]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        store = dist.TCPStore("127.0.0.1", int(process.stdout.readline()), None, False)
        yield process, store, Heartbeat(store, 1, 2, keeper=0)


def test_a_rank_that_hangs_with_the_store_is_named_and_killed(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store is in it, so that nothing can be asked any more."""
    with kept(monkeypatch) as (process, _, heartbeat):
        process.send_signal(signal.SIGSTOP)
        try:
            assert process.wait(60) == -signal.SIGKILL
        finally:
            process.kill()
        assert heartbeat.missing("the connection broke") == "the loss of rank 0, which kept the store"
        assert heartbeat.stop()
    said = capfd.readouterr().err
    assert f"rank 0, which gave no sign of life for 1 s (process {process.pid}), is ended" in said


def test_why_rank_0_left_is_known_once_its_store_has_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rank 0 ends for the death of rank 2; rank 1, which hears of rank 0 alone, names rank 2 too."""
    with kept(monkeypatch) as (process, store, heartbeat):
        heartbeat.leave("the death of rank 2")
        try:
            begun = store.add("heartbeat/1", 0)
            while store.add("heartbeat/1", 0) < begun + 3:
                time.sleep(0.01)
        finally:
            process.kill()
        process.wait()
        assert heartbeat.missing("the connection broke") == "the death of rank 2"
        assert heartbeat.stop()
