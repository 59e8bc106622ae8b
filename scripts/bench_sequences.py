"""A long sequence: what a step keeps in memory, and how long it takes, by autograd through the same cells."""

from __future__ import annotations

import statistics
import subprocess
import sys
from pathlib import Path

from ratios import show

TICKS, HIDDEN = 10_000, 128
# memory and time of a step, at most, by those of autograd
LIMITS = {"store": (0.6, 1.0), "recompute": (0.6, 1.4), "segments": (0.05, 1.2)}

STEP = """
import sys, warnings
from time import perf_counter
import torch
warnings.simplefilter("ignore")
sys.path.insert(0, sys.argv[1])
from hl_cli import schema
schema.register()
from ratios import build
torch.set_num_threads(1)
arm, memory, *choice = sys.argv[2:]
built = build(*choice, f"memory={memory}")
learner, sample = getattr(built, arm), next(built.stream)
learner.step(sample._replace(inputs=sample.inputs[:, :50].contiguous()))
def status(field):
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith(field)) / 1024
with open("/proc/self/clear_refs", "w") as refs:
    refs.write("5")  # the peak begins again here
before, start = status("VmRSS"), perf_counter()
learner.step(sample)
print(status("VmHWM") - before, perf_counter() - start)
"""


def measured(arm: str, memory: str, model: str) -> tuple[float, float]:
    """Peak memory (MB above that before; Linux) and seconds of a step, in a process of its own."""
    choice = ["stream=sine", f"stream.ticks={TICKS}", "stream.held_out=1", f"model={model}", f"model.hidden={HIDDEN}"]
    command = [sys.executable, "-c", STEP, str(Path(__file__).parent), arm, memory, *choice, "split=state_output"]
    peak, seconds = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return float(peak), float(seconds)


def sequences() -> None:
    print(f"\nA step over {TICKS:,} ticks, {HIDDEN} neurons, batch 1: HL by autograd, each in a process of its own")
    for model in ("rnn", "lstm"):
        runs = [{"autograd": measured("pytorch", "store", model)} for _ in range(3)]
        for memory in LIMITS:
            for run in runs:
                run[memory] = measured("hl", memory, model)
        for memory, (most, longest) in LIMITS.items():
            peaks = [run[memory][0] / run["autograd"][0] for run in runs]
            times = [run[memory][1] / run["autograd"][1] for run in runs]
            show(f"{model} {memory}: memory", statistics.median(peaks), most, f"{runs[0][memory][0]:9.1f} MB")
            show(f"{model} {memory}: time", statistics.median(times), longest, f"{runs[0][memory][1]:9.2f} s")
