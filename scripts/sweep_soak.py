"""Kills a sweep at random moments and goes on with it: nothing finished is lost, and every job ends as if unbroken.

    .venv/bin/python scripts/sweep_soak.py FOLDER [KILLS]

36 jobs of 30 steps on a stream of its own: one meets an error half-way, one diverges, 34 are good. KILLS (10) times the
sweep is killed with SIGKILL after a random while and taken up again by sweep.resume, then run to its end. After each
kill the tables must be whole; what was finished must stay untouched, to the file; and at the end every job must equal,
byte for byte, the same job of a sweep that was never broken off.
"""

from __future__ import annotations

import csv
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

STREAM = '''
import torch
import hl_cli

BROKEN, WILD = 2, 4  # seeds


class Moody(hl_cli.Stream):
    """Is the sum of some numbers above zero? One seed breaks half-way, one is too large for any learning rate."""

    ticks, features, task = 1, 4, hl_cli.Task("classes", 2)

    def __init__(self, batch_size, seed, dtype, device):
        self.seed, self.given, self.size = seed, 0, batch_size
        self.scale = torch.finfo(dtype).max / 4 if seed == WILD else 1.0

    def draw(self, number, count):
        x = torch.randn(count, 1, 4, generator=torch.Generator().manual_seed(1000 * self.seed + number))
        return hl_cli.Sample(x.clamp(-1, 1) * (self.scale if number > 5 else 1.0), (x.sum((1, 2)) > 0).long())

    def __next__(self):
        self.given += 1
        if self.seed == BROKEN and self.given > 15:
            raise RuntimeError("the sensor is gone")
        return self.draw(self.given, self.size)

    def held_out(self):
        return self.draw(0, 50)

    def state_dict(self):
        return {"given": self.given}

    def load_state_dict(self, state):
        self.given = state["given"]
'''
SAME = ("curves.csv", "running.csv", "evaluation.csv", "weight_difference.csv", "weights.csv", "physics.csv")
FINAL = ("done", "diverged")
CHOICES = ("model=linear", "split=output", "steps=30", "log_every=1", "eval_every=0")
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "HYDRA_FULL_ERROR"}


def sweep(where: Path, *arguments: str) -> subprocess.Popen[bytes]:
    """Start hl-run in a folder with the stream beside it; what it says goes to a file there."""
    where.mkdir(parents=True, exist_ok=True)
    (where / "moody.py").write_text(STREAM)
    with (where / "said.txt").open("ab") as said:
        command = [sys.executable, "-m", "hl_cli", *arguments]
        return subprocess.Popen(command, cwd=where, env=ENVIRONMENT, stdout=said, stderr=said)


def asked(jobs: int) -> list[str]:
    return ["-m", "stream=moody:Moody", f"seed=range({jobs})", *CHOICES]


def rows(folder: Path) -> list[dict[str, str]]:
    """The table of a sweep; the ledger beside it must be whole too."""
    if not (folder / "sweep.csv").exists():
        return []
    json.loads((folder / "sweep.json").read_text())
    with (folder / "sweep.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def finished(folder: Path) -> dict[str, dict[str, tuple[int, bytes]]]:
    """By config hash, every file of the jobs that are said to be finished, with time and content."""
    return {
        row["config_hash"]: {
            str(p.relative_to(folder)): (p.stat().st_mtime_ns, p.read_bytes())
            for p in sorted((folder / row["folder"]).rglob("*"))
            if p.is_file()
        }
        for row in rows(folder)
        if row["status"] in FINAL
    }


def kill_when(process: subprocess.Popen[bytes], folder: Path, done: int, patience: float = 300) -> None:
    """SIGKILL as soon as so many jobs are finished, or the process has ended."""
    deadline = time.monotonic() + patience
    while process.poll() is None and sum(row["status"] in FINAL for row in rows(folder)) < done:
        assert time.monotonic() < deadline, "the sweep hangs"
        time.sleep(0.02)
    time.sleep(random.uniform(0, 1.0))
    process.send_signal(signal.SIGKILL)
    process.wait()


def check_kept(folder: Path, before: dict[str, dict[str, tuple[int, bytes]]]) -> int:
    """Raise AssertionError unless all that was finished is as it was; how many there are now."""
    now = finished(folder)
    for config, files in before.items():
        assert now.get(config) == files, f"{config} was finished, and is not as it was"
    return len(now)


def check_same(folder: Path, unbroken: Path, jobs: int) -> dict[str, int]:
    """Raise AssertionError unless every job ended as in the sweep that was never broken off; how many ended how."""
    here = {row["config_hash"]: row for row in rows(folder)}
    there = {row["config_hash"]: row for row in rows(unbroken)}
    assert len(here) == jobs and set(here) == set(there), "other jobs"
    for config, row in here.items():
        assert (row["status"], row["error"]) == (there[config]["status"], there[config]["error"]), row
        for name in SAME if row["status"] in FINAL else ():
            mine, other = (at / row["folder"] / name for at in (folder, unbroken))
            assert mine.read_bytes() == other.read_bytes(), f"{mine} differs from {other}"
    ends = [row["status"] for row in here.values()]
    return {end: ends.count(end) for end in dict.fromkeys(ends)}


def main() -> None:
    where, jobs = Path(sys.argv[1]).absolute(), 36
    kills = int(sys.argv[2]) if len(sys.argv) > 2 else 10
    folder = where / "broken"
    unbroken = sweep(where, *asked(jobs), "hydra.sweep.dir=unbroken").wait()
    before: dict[str, dict[str, tuple[int, bytes]]] = {}
    for k in range(kills):
        how = ["sweep.resume=broken"] if (folder / "sweep.json").exists() else [*asked(jobs), "hydra.sweep.dir=broken"]
        if folder.exists() and len(how) > 1:
            subprocess.run(["rm", "-r", str(folder)], check=True)  # killed before anything was planned
        kill_when(sweep(where, *how), folder, random.randint(0, 1 + (k + 1) * jobs // kills))
        count = check_kept(folder, before)
        before = finished(folder)
        print(f"kill {k + 1}: {count} of {jobs} finished, all of them kept", flush=True)
    code = sweep(where, "sweep.resume=broken").wait()
    check_kept(folder, before)
    print(f"{check_same(folder, where / 'unbroken', jobs)}; exit codes {code} and, unbroken, {unbroken}")


if __name__ == "__main__":
    main()
