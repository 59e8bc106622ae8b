"""Where a run computes: device and threads."""

from __future__ import annotations

import os

import torch

from hl_cli.errors import BadInput


def check_device(device: str, dtype: str, field: str = "device") -> None:
    """Say in one line why a device cannot be used."""
    kind = device.split(":")[0]
    available = ["cpu"]
    if torch.cuda.is_available():
        available += ["cuda", *(f"cuda:{k}" for k in range(torch.cuda.device_count()))]
    if torch.backends.mps.is_available():
        available.append("mps")
    if kind not in ("cpu", "cuda", "mps"):
        raise BadInput(f"{field}={device}: allowed: cpu, cuda, mps")
    if device not in available:
        raise BadInput(f"{field}={device}: this machine or this build of torch has only {', '.join(available)}")
    if kind == "mps" and dtype == "float64":
        raise BadInput(f"dtype=float64: {field}=mps has only float32")


def use_device(device: str, dtype: str, threads: int) -> str:
    """Check the device, set threads and deterministic kernels; return the device of this process."""
    check_device(device, dtype)
    torch.set_num_threads(threads)
    if device.startswith(
        "cuda"
    ):  # on the CPU the kernels used here are deterministic, and the switch takes 2 s to import
        torch.use_deterministic_algorithms(True, warn_only=True)
        if device == "cuda" and "LOCAL_RANK" in os.environ:
            return f"cuda:{int(os.environ['LOCAL_RANK']) % torch.cuda.device_count()}"
    return device
