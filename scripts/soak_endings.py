"""End two ranks again and again beside a busy loop: both must exit with 0, and say nothing.

A rank does what a run does with hl_cli.parallel, and no more: it meets the other, which makes the store, the process
group and the heartbeat; a few exchanges of each kind; it leaves in order, and Python ends. In every other trial rank 0
keeps the store, else a third process does, as torchrun's agent. A thread of ours that is within the store as Python
ends aborts the process: "terminate called without an active exception", exit -6.
"""

from __future__ import annotations

import os
import random
import signal
import socket
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import torch
import torch.distributed as dist
from soak_fault import Fault, ended

from hl_cli.parallel.command import Command
from hl_cli.parallel.rendezvous import rendezvous
from hl_cli.runs.parentage import end_with

LONGEST = 120  # seconds of a trial
STEPS = 5


def _rank() -> None:
    """What a rank does from its start to its end."""
    end_with(os.getppid(), "which started the ranks")
    world = rendezvous()
    world.broadcast({"steps": STEPS})
    world.open_channel()
    world.gather_objects(None)
    message, other = torch.ones(1000), 1 - world.rank
    for _ in range(STEPS):
        world.lead(Command.STEPS, 1) if world.rank == 0 else world.follow()
        work = world.send(message, other) if world.rank == 0 else world.receive(message, other)
        world.wait(work)
        world.mean(message)
    world.lead(Command.END) if world.rank == 0 else world.follow()
    world.broadcast(None)
    world.close()


def _keep_store(port: int, ready: Path, parent: int) -> None:
    store = dist.TCPStore("127.0.0.1", port, None, True, wait_for_workers=False)
    ready.write_text("listens")
    while os.getppid() == parent:
        time.sleep(0.05)
    del store


def _spin(parent: int) -> None:
    while os.getppid() == parent:
        sum(range(10_000))


def _forked(work: Callable[[], None], said: Path, **environment: str) -> int:
    """A child that ends as Python does, with all that its threads and libraries do then."""
    child = os.fork()
    if child:
        return child
    with said.open("w") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.environ.update(environment)
    work()
    raise SystemExit(0)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def _trial(where: Path, agent: bool) -> None:
    """Raises Fault unless both ranks end well."""
    port, keeper, me = _free_port(), 0, os.getpid()
    told = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    if agent:
        told["TORCHELASTIC_USE_AGENT_STORE"] = "True"
        ready = where / "ready"
        ready.unlink(missing_ok=True)
        keeper = _forked(lambda: _keep_store(port, ready, me), where / "keeper.txt")
        while not ready.exists():
            time.sleep(0.01)
    ranks = {k: _forked(_rank, where / f"{k}.txt", RANK=str(k), **told) for k in (0, 1)}
    until, codes = time.monotonic() + LONGEST, {}
    while len(codes) < 2 and time.monotonic() < until:
        for k, child in ranks.items():
            if k not in codes and os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                codes[k] = ended(child)
        time.sleep(0.01)
    for child in (*(ranks[k] for k in ranks if k not in codes), *([keeper] if keeper else [])):
        os.kill(child, signal.SIGKILL)
        ended(child)
    texts = {k: (where / f"{k}.txt").read_text().splitlines() for k in ranks}
    said = {k: [line for line in lines if "Warning:" not in line] for k, lines in texts.items()}  # torch's own
    if codes != {0: 0, 1: 0} or any(said.values()):
        raise Fault(f"exit codes {codes} of ranks 0 and 1, which say {said}")


def soak(trials: int, seed: int, cases: list[str]) -> None:
    """So many endings."""
    where, me, tally = Path(tempfile.mkdtemp()), os.getpid(), Counter[str]()
    begin, draw = time.monotonic(), random.Random(seed)
    _forked(lambda: _spin(me), where / "busy.txt")
    for number in range(trials):
        agent = bool(number % 2)
        time.sleep(draw.uniform(0, 0.05))
        try:
            _trial(where, agent)
        except Fault as fault:
            tally["not in order"] += 1
            print(f"FAULT {number}: {fault}", flush=True)
        tally["another process keeps the store" if agent else "rank 0 keeps the store"] += 1
        if number % 20 == 19:
            print(f"{number + 1} endings in {time.monotonic() - begin:.0f} s", flush=True)
    print(dict(tally))
    if tally["not in order"]:
        raise Fault(f"{tally['not in order']} of {trials} endings of two ranks")
    print(f"{trials} endings of two ranks beside a busy loop: no abort, every exit code 0")
    sys.stdout.flush()
