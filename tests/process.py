"""hl-run and torchrun from nothing, and how to read what a run left."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.warm import ENVIRONMENT, PATIENCE, Said

CURVES = "step,hl_loss,pytorch_loss,hl_accuracy,pytorch_accuracy"
RUNNING = ",".join(f"{over}_{score}" for over in ("window", "cumulative") for score in CURVES.split(",")[1:])
HEADERS = {
    "running.csv": f"step,{RUNNING}",
    "curves.csv": CURVES,
    "evaluation.csv": CURVES,
    "weight_difference.csv": "step,max_abs,mean_abs,relative,max_ulp",
    "weights.csv": "tensor,shape,max_abs,mean_abs,relative,max_ulp,first_step",
    "physics.csv": "step,hamiltonian,loss_term,kinetic,state_costate_norm,weight_costate_norm,weight_norm",
}
FILES = {
    *HEADERS,
    "thousands.csv",
    "SHA256SUMS",
    "summary.json",
    "report.md",
    "report.html",
    "tensor_difference.csv",
    "curves.png",
    "physics.png",
    ".hydra",
    "checkpoints",
    "tensorboard",
}
LIGHT = FILES - {"report.md", "report.html", "curves.png", "physics.png"}  # of a job of a sweep
HL_RUN = (sys.executable, "-m", "hl_cli")


def torchrun(count: int, endpoint: Path) -> list[str]:
    """torchrun whose store listens on loopback alone, as docs/howto/cluster.md says; endpoint: a file for it."""
    meet = ["--rdzv-backend", "c10d", "--rdzv-endpoint", str(endpoint), "--rdzv-conf", "store_type=file"]
    run = [sys.executable, "-m", "torch.distributed.run", *meet, "--local-addr", "127.0.0.1"]
    return ["env", "TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1", *run, f"--nproc-per-node={count}", "-m"]


def hl_run_from_nothing(where: Path, *arguments: str) -> Said:
    """hl-run as a user starts it."""
    command = [*HL_RUN, *arguments]
    return subprocess.run(command, cwd=where, env=ENVIRONMENT, capture_output=True, text=True, timeout=PATIENCE)


def rows(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file, after a look at its header."""
    assert path.read_text().splitlines()[0] == HEADERS[path.name]
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def summary_of(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "summary.json").read_text())


def state_of(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {
        str(p.relative_to(folder)): (p.stat().st_mtime_ns, p.read_bytes() if p.is_file() else b"")
        for p in [folder, *folder.rglob("*")]
    }
