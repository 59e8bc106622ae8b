"""Where a run computes: device and threads."""

from __future__ import annotations

import torch

from hl_cli.errors import BadInput


def use_device(device: str, dtype: str, threads: int) -> None:
    """Set threads and deterministic kernels, or say in one line why the device cannot be used."""
    kind = device.split(":")[0]
    available = ["cpu"]
    if torch.cuda.is_available():
        available += ["cuda", *(f"cuda:{k}" for k in range(torch.cuda.device_count()))]
    if torch.backends.mps.is_available():
        available.append("mps")
    if kind not in ("cpu", "cuda", "mps"):
        raise BadInput(f"device={device}: allowed: cpu, cuda, mps")
    if device not in available:
        raise BadInput(f"device={device}: this machine or this build of torch has only {', '.join(available)}")
    if kind == "mps" and dtype == "float64":
        raise BadInput("dtype=float64: device=mps has only float32")
    torch.set_num_threads(threads)
    if kind == "cuda":  # on the CPU the kernels used here are deterministic, and the switch takes 2 s to import
        torch.use_deterministic_algorithms(True, warn_only=True)
