"""What a tiny job of a sweep costs; a sweep by joblib against the plain one: the same four jobs, in two processes."""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

from ratios import show

JOBS = [
    "stream=digits_rows",
    "model=rnn",
    "split=state",
    "scenario=gd_a,gd_b,mom_a,mom_b",
    "eval_every=0",
    "log_every=500",
]
LEAST = 1.7  # times as fast, on two cores
STEPS, ROUNDS = 15000, 1
TINY = ["steps=20", "eval_every=0"]
FEW, MANY = 4, 24  # jobs
MOST = 0.3  # seconds of CPU of a tiny job more


def sweep_seconds(folder: Path, *launcher: str) -> float:
    """The whole command, from its start to its end: imports, pictures and tables too."""
    command = [sys.executable, "-m", "hl_cli", "-m", *JOBS, f"steps={STEPS}", f"hydra.sweep.dir={folder}", *launcher]
    begin = perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return perf_counter() - begin


def cpu_seconds(folder: Path, jobs: int) -> float:
    """Of a sweep of so many tiny jobs, with its start and its end."""
    begin = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "hl_cli", "-m", *TINY, f"seed=range(0,{jobs})", f"hydra.sweep.dir={folder}"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    end = resource.getrusage(resource.RUSAGE_CHILDREN)
    return end.ru_utime - begin.ru_utime + end.ru_stime - begin.ru_stime


def tiny_jobs() -> None:
    print("\nA tiny job of a sweep, seconds of CPU: of its steps it has 20, all else is what every job costs")
    with tempfile.TemporaryDirectory() as name:
        few, many = (cpu_seconds(Path(name) / str(jobs), jobs) for jobs in (FEW, MANY))
        show("one job more", (many - few) / (MANY - FEW), MOST, f"{few:6.1f} s for {FEW} jobs, {many:.1f} s for {MANY}")


def sweeps() -> None:
    tiny_jobs()
    print(f"\nA sweep of 4 jobs of {STEPS} steps, joblib with two processes by the plain one (two cores free)")
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as name:
            parallel = sweep_seconds(Path(name) / "joblib", "hydra/launcher=joblib", "hydra.launcher.n_jobs=2")
            plain = sweep_seconds(Path(name) / "plain")
            detail = f"{plain:6.0f} s plain, {parallel:.0f} s joblib"
            show("joblib, 2 processes", parallel / plain, 1 / LEAST, detail)
