"""hl-run in a child of this process that can be broken off, and a disk that can be full."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import matplotlib
import sklearn.datasets  # noqa: F401
import tensorboard.summary.writer.record_writer  # noqa: F401
import torch._dynamo  # noqa: F401
from soak_fault import ended

import hl_cli.cli.app
import hl_cli.runs.run  # noqa: F401
from hl_cli.cli import main as hl_run

matplotlib.use("Agg")


def launch(
    arguments: list[str], where: Path, limit: int | None = None, prepare: Callable[[], object] | None = None
) -> int:
    """Fork hl-run; limit: of the size of a file, bytes; prepare: is called first. What it says is in said.txt."""
    child = os.fork()
    if child:
        return child
    code: object = 70
    try:
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        os.chdir(where)
        with (where / "said.txt").open("w") as said:
            os.dup2(said.fileno(), 1)
            os.dup2(said.fileno(), 2)
        if limit is not None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        if prepare:
            prepare()
        sys.argv = ["hl-run", *arguments]
        hl_run()
        code = 0
    except SystemExit as end:
        code = end.code
    except KeyboardInterrupt:
        code = 130
    except BaseException as error:
        print(f"Traceback: {error!r}", file=sys.stderr)
    with contextlib.suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(0 if code is None else code if isinstance(code, int) else 1)


def broken_off(child: int, number: signal.Signals, after: float) -> int | None:
    """Send a signal after so many seconds; None for a run that had ended by itself."""
    deadline = time.monotonic() + after
    while time.monotonic() < deadline:
        if os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            ended(child)
            return None
        time.sleep(0.002)
    os.kill(child, number)
    return ended(child)


class Disk:
    """A folder that can be full: a tmpfs, where this process may mount one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        options = ["mount", "-t", "tmpfs", "-o", "size=1g", "tmpfs", str(folder)]
        self.mounted = bool(shutil.which("mount")) and not subprocess.run(options, capture_output=True).returncode

    def room(self, size: int | None) -> None:
        """Leave room for so many bytes in all; None: enough."""
        if self.mounted:
            subprocess.run(["mount", "-o", f"remount,size={size or 2**30}", str(self.folder)], check=True)

    def close(self) -> None:
        if self.mounted:
            subprocess.run(["umount", str(self.folder)], check=True)
