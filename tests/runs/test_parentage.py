"""What a process was started by, and what it waits for."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hl_cli.sweeps.lock import held
from tests.warm import PATIENCE

CHILD = """
import os, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", sys.argv[1]], stdout=subprocess.PIPE, text=True)
print(child.pid, child.stdout.readline().strip(), flush=True)
child.wait()
"""
WATCHING = """
import os, signal, sys, time
from hl_cli.runs import parentage
parentage.GRACE = 1.0
if {ignores}:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
parentage.end_with(os.getppid(), "which started it")
print("ready", flush=True)
time.sleep(600)
"""


def alive(process: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{process}/status").read_text()
    except FileNotFoundError:
        return False


def ends(process: int) -> bool:
    until = time.monotonic() + PATIENCE
    while alive(process) and time.monotonic() < until:
        time.sleep(0.1)
    return not alive(process)


def test_a_process_ends_with_its_parent_whether_or_not_it_takes_sigterm() -> None:
    if not Path("/proc/self/status").exists():
        pytest.skip("needs /proc")
    for ignores in (False, True):
        command = [sys.executable, "-c", CHILD, WATCHING.format(ignores=ignores)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as parent:
            assert parent.stdout and parent.stderr
            child = int(parent.stdout.readline().split()[0])
            assert alive(child)
            parent.kill()
            try:
                assert ends(child)
            finally:
                if alive(child):
                    os.kill(child, signal.SIGKILL)
            assert f"process {parent.pid}, which started it, has gone: process {child} ends too" in parent.stderr.read()


HOLDING = """
import sys, time
from pathlib import Path
from hl_cli.sweeps.lock import held
with held(Path(sys.argv[1]), "it"):
    print("held", flush=True)
    time.sleep(3)
"""


def test_who_waits_for_a_lock_says_for_what_and_how_long(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "locks" / "job"
    command = [sys.executable, "-c", HOLDING, str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout and holder.stdout.readline() == "held\n"
        with held(file, "the job x"):
            said = capsys.readouterr().err.splitlines()
        assert said[0].endswith(f"s of waiting for the job x, which process {holder.pid} has")
        assert said[1].endswith("s of waiting for the job x are over") and len(said) == 2
        with held(file, "the job x"):
            assert not capsys.readouterr().err


def test_a_damaged_lock_is_taken_all_the_same(tmp_path: Path) -> None:
    """Which process has it is said in it, and nothing hangs on that."""
    (tmp_path / "ledger").write_bytes(b"12\xff\n")
    with held(tmp_path / "ledger", "a test"):
        assert (tmp_path / "ledger").read_text() == f"{os.getpid()}\n"
