"""Stop or kill a rank of a run, what launched it, or the parent of a sweep: all end, and the run can go on.

Two ranks are forked by a launcher of ours that, like torchrun, gives them their environment and is their parent, but
ends nobody. At a random moment SIGSTOP or SIGKILL meets rank 0, rank 1, or SIGKILL the launcher. Then the ranks that
live name who is missing, every process is gone within 30 seconds, and what is left goes on, again in two ranks, to the
curves of a run that nobody touched. In every fifth trial the parent of a sweep with two workers is killed instead.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from soak_children import launch
from soak_damage_cases import plain
from soak_fault import Fault, ended

LIMIT = 30.0  # seconds
WAVE = [
    "stream=digits",
    "model.hidden=[8,8]",
    "scheme=wave",
    "split=state",
    "log_every=20",
    "eval_every=0",
    "steps=800",
]
RUN = [*WAVE, "checkpoint_every=100"]
SWEEP = ["-m", "seed=0,1,2,3", "model=linear", "split=output", "steps=4000", "log_every=50", "checkpoint_every=500",
         "hydra/launcher=joblib", "hydra.launcher.n_jobs=2"]  # fmt: skip
VICTIMS = ("stop rank 0", "stop rank 1", "kill rank 0", "kill rank 1", "kill launcher")


def _fork(work: Callable[[], int]) -> int:
    """A child that leads a session of its own; all that it starts is in it."""
    child = os.fork()
    if child:
        return child
    os.setsid()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    os._exit(work())


def _launcher(arguments: list[str], where: Path) -> int:
    """Start both ranks and wait for them; the number of those that failed."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    os.environ |= {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    ranks = []
    for rank in (0, 1):
        os.environ["RANK"] = str(rank)
        (where / str(rank)).mkdir(exist_ok=True)
        ranks.append(launch(arguments, where / str(rank), prepare=plain))
        (where / f"rank{rank}").write_text(str(ranks[-1]))
    return sum(ended(rank) != 0 for rank in ranks)


def alive(session: int) -> list[int]:
    """The processes of a session but for those that have ended and that nobody has asked for."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, of, *_ = path.read_text().rpartition(") ")[2].split()
        except (OSError, ValueError):
            continue
        if int(of) == session and state != "Z":
            found.append(int(path.parent.name))
    return found


def _gone(session: int, begin: float) -> float:
    """Seconds until all are gone; those that are left are killed, and named in a Fault."""
    while left := alive(session):
        if time.monotonic() - begin > LIMIT:
            names = [Path(f"/proc/{one}/cmdline").read_bytes().replace(b"\0", b" ").decode()[-80:] for one in left]
            for one in left:
                os.kill(one, signal.SIGKILL)
            raise Fault(f"after {LIMIT:.0f} s there are still {names}")
        time.sleep(0.1)
    return time.monotonic() - begin


def _when(there: Callable[[], bool], session: int, patience: float = 300) -> None:
    until = time.monotonic() + patience
    while not there():
        if time.monotonic() > until or not alive(session):
            raise Fault("did not come so far")
        time.sleep(0.05)


def _swept(session: int, begin: float) -> float:
    """Seconds until all of a session have gone; none is left behind, whatever comes of it."""
    try:
        return _gone(session, begin)
    finally:
        if alive(session):
            os.killpg(session, signal.SIGKILL)
        ended(session)


def _of_ranks(victim: str, where: Path, draw: random.Random) -> str:
    """One trial on a run; in words how it ended."""
    session = _fork(lambda: _launcher([*RUN, f"hydra.run.dir={where / 'run'}"], where))
    curves = where / "run" / "curves.csv"
    _when(lambda: curves.exists() and curves.stat().st_size > draw.randint(200, 20_000), session)
    pid = session if "launcher" in victim else int((where / f"rank{victim[-1]}").read_text())
    begin = time.monotonic()
    os.kill(pid, signal.SIGSTOP if victim.startswith("stop") else signal.SIGKILL)
    seconds = _swept(session, begin)
    said = "".join((where / rank / "said.txt").read_text() for rank in "01")
    name = "which started the ranks, has gone" if "launcher" in victim else victim[5:]
    if "Traceback" in said or "terminate called" in said or f"{name}" not in said:
        raise Fault(f"{victim}: what is said does not name it, or is raw: {said[-800:]}")
    if (where / "run" / "summary.json").exists() and "launcher" not in victim and victim.endswith("0"):
        raise Fault(f"{victim}: a run without its rank 0 counts as finished")
    code = ended(_fork(lambda: _launcher([f"resume={where / 'run'}"], where)))
    if code:
        raise Fault(f"{victim}: resumed, {code} ranks fail: {(where / '0' / 'said.txt').read_text()[-600:]}")
    if curves.read_bytes() != (where.parent / "whole" / "run" / "curves.csv").read_bytes():
        raise Fault(f"{victim}: the resumed run has other curves")
    return f"gone after {seconds:.0f} s"


def _of_sweep(where: Path, draw: random.Random) -> str:
    session = _fork(lambda: _sweep([*SWEEP, f"hydra.sweep.dir={where / 'sweep'}"], where))
    _when(lambda: len(list(where.glob("sweep/*/curves.csv"))) > 1, session)
    time.sleep(draw.uniform(0, 3))
    begin = time.monotonic()
    os.kill(int((where / "parent").read_text()), signal.SIGKILL)
    seconds = _swept(session, begin)
    code = ended(launch([f"sweep.resume={where / 'sweep'}"], where, prepare=plain))
    if code:
        raise Fault(f"sweep.resume exits {code}: {(where / 'said.txt').read_text()[-600:]}")
    return f"gone after {seconds:.0f} s"


def _sweep(arguments: list[str], where: Path) -> int:
    parent = launch(arguments, where, prepare=plain)
    (where / "parent").write_text(str(parent))
    return int(ended(parent) != 0)


def soak(trials: int, seed: int, cases: list[str]) -> None:
    """So many victims, in turn."""
    draw, root, faults = random.Random(seed), Path(tempfile.mkdtemp()), 0
    (root / "whole").mkdir()
    if code := ended(_fork(lambda: _launcher([*RUN, f"hydra.run.dir={root / 'whole/run'}"], root / "whole"))):
        raise Fault(f"the run that nobody touches: {code} ranks fail: {(root / 'whole/0/said.txt').read_text()[-600:]}")
    for number in range(trials):
        where = root / str(number)
        where.mkdir()
        victim = "kill the parent of a sweep" if number % 10 == 9 else VICTIMS[number % len(VICTIMS)]
        try:
            end = _of_sweep(where, draw) if "sweep" in victim else _of_ranks(victim, where, draw)
        except Fault as fault:
            faults, end = faults + 1, f"FAULT {fault}"
        print(f"  {victim:<27} {end}", flush=True)
        if not end.startswith("FAULT"):
            shutil.rmtree(where)
    if faults:
        raise Fault(f"{faults} of {trials} trials, see {root}")
    print(f"{trials} stopped or killed: all named, all gone within {LIMIT:.0f} s, all resumed to equal curves")
    sys.stdout.flush()
