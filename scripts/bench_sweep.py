"""A sweep by joblib against the plain one: the same four jobs, in two processes and in one."""

from __future__ import annotations

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


def sweep_seconds(folder: Path, *launcher: str) -> float:
    """The whole command, from its start to its end: imports, pictures and tables too."""
    command = [sys.executable, "-m", "hl_cli", "-m", *JOBS, f"steps={STEPS}", f"hydra.sweep.dir={folder}", *launcher]
    begin = perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return perf_counter() - begin


def sweeps() -> None:
    print(f"\nA sweep of 4 jobs of {STEPS} steps, joblib with two processes by the plain one (two cores free)")
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as name:
            parallel = sweep_seconds(Path(name) / "joblib", "hydra/launcher=joblib", "hydra.launcher.n_jobs=2")
            plain = sweep_seconds(Path(name) / "plain")
            detail = f"{plain:6.0f} s plain, {parallel:.0f} s joblib"
            show("joblib, 2 processes", parallel / plain, 1 / LEAST, detail)
