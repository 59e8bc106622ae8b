"""hl-run in a process of its own, forked from one that has imported already what takes seconds to import.

A few tests start a program from nothing, as users do; all others that need a process need no more than this.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import sys
import tempfile
from collections.abc import Callable, Mapping
from functools import cache
from multiprocessing.context import ForkServerContext
from pathlib import Path
from subprocess import CompletedProcess, TimeoutExpired
from typing import IO

PATIENCE = 300  # seconds until a process counts as hung
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "HYDRA_FULL_ERROR"}
IMPORTED = ["hl_cli.cli.app", "hl_cli.runs.run", "hl_cli.runs.worker", "torch._dynamo", "sklearn.datasets",
            "tensorboard.summary.writer.record_writer", "tests.ranks"]  # fmt: skip
Program = Callable[[], int | None]
Said = CompletedProcess[str]


def hl_run_main() -> None:
    """What the command hl-run calls."""
    from hl_cli.cli import app, main
    from hl_cli.cli.session import Session

    app.session = Session()  # type: ignore[attr-defined]  # the one that was imported knows another environment
    main()


@cache
def _server() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(IMPORTED)
    return context


def _child(
    program: Program, arguments: list[str], where: str, environment: Mapping[str, str], files: list[str]
) -> None:
    for number, file in enumerate(files, start=1):
        os.dup2(os.open(file, os.O_WRONLY | os.O_APPEND), number)
    for one in (signal.SIGTERM, signal.SIGHUP):  # under nohup a run would ignore SIGHUP, as it should
        signal.signal(one, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(where)
    os.environ.clear()
    os.environ.update(environment)
    sys.path[:0] = [path for path in environment.get("PYTHONPATH", "").split(os.pathsep) if path]
    sys.argv = arguments
    sys.exit(program())


class Warm:
    """A program that has been started; of what subprocess.Popen has, what tests use."""

    def __init__(
        self,
        where: Path,
        *arguments: str,
        environment: Mapping[str, str] = ENVIRONMENT,
        program: Program = hl_run_main,
    ) -> None:
        self.arguments = ["hl-run", *arguments]
        self._files: list[IO[str]] = [tempfile.NamedTemporaryFile("r") for _ in range(2)]  # noqa: SIM115
        names = [file.name for file in self._files]
        self._process = _server().Process(
            target=_child, args=(program, self.arguments, str(where), dict(environment), names)
        )
        self._process.start()
        assert self._process.pid is not None
        self.pid: int = self._process.pid

    def poll(self) -> int | None:
        """The exit code, minus the signal that ended it, or None."""
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def ended(self, timeout: float = PATIENCE) -> Said:
        """Wait for its end; what it said. It is killed where that takes too long."""
        self._process.join(timeout)
        code = self._process.exitcode
        if code is None:
            self._process.kill()
        said = [file.read() for file in self._files]
        for file in self._files:
            file.close()
        if code is None:
            raise TimeoutExpired(self.arguments, timeout, *said)
        return Said(self.arguments, code, *said)


def hl_run(where: Path, *arguments: str, environment: Mapping[str, str] = ENVIRONMENT) -> Said:
    """Run it to its end."""
    return Warm(where, *arguments, environment=environment).ended()


def ranks(where: Path, count: int, *arguments: str, program: Program = hl_run_main) -> list[Warm]:
    """So many processes as torchrun would start them, but nobody ends one when another has died."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    world = {"WORLD_SIZE": str(count), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    return [
        Warm(where, *arguments, environment={**ENVIRONMENT, **world, "RANK": str(rank)}, program=program)
        for rank in range(count)
    ]
