"""A long sequence: what a step keeps in memory, and how long it takes, by autograd through the same cells."""

from __future__ import annotations

import statistics
import subprocess
import sys
from pathlib import Path

from ratios import show

TICKS, HIDDEN, WARM = 10_000, 128, 3
# memory and time of a step, at most, by those of autograd
KEPT = {"store": (0.6, 1.0), "recompute": (0.6, 1.4), "segments": (0.05, 1.2)}
LIMITS = {
    "rnn": KEPT,
    "lstm": KEPT,
    "rotation": {"reverse": (0.01, 1.3)},
    "leapfrog": {"reverse": (0.01, 1.2)},
    "antisymmetric": {"reverse": (0.01, 1.8)},
}

STEP = """
import ctypes, gc, sys, warnings
from time import perf_counter
import torch
warnings.simplefilter("ignore")
sys.path.insert(0, sys.argv[1])
from hl_cli import config
config.register()
from ratios import build
torch.set_num_threads(1)
arm, memory, warm, *choice = sys.argv[2:]
built = build(*choice, f"checkpointing={memory}")
learner, sample = getattr(built, arm), next(built.stream)
short = sample._replace(inputs=sample.inputs[:, :int(warm)].contiguous())
learner.step(short)  # what PyTorch sets up once; so few ticks leave next to nothing to be used again
def status(field):
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith(field)) / 1024
def measured(sample):
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # free memory goes back to the system, so that a step has to ask for all it needs
    with open("/proc/self/clear_refs", "w") as refs:
        refs.write("5")  # the peak begins again here
    before, start = status("VmRSS"), perf_counter()
    learner.step(sample)
    return status("VmHWM") - before, perf_counter() - start
floor, _ = measured(short)
print(floor, *measured(sample))
"""


def measured(arm: str, memory: str, model: str) -> tuple[float, float, float]:
    """MB above those before (Linux) of a step of WARM ticks, what can be told apart; of the step; and its seconds."""
    choice = ["stream=sine", f"stream.ticks={TICKS}", "stream.held_out=1", f"model={model}", f"model.hidden={HIDDEN}"]
    own = ["scenario=gd_b", "scenario.lr=1e-6", "split=state_output"]  # of any size: one step is measured
    command = [sys.executable, "-c", STEP, str(Path(__file__).parent), arm, memory, str(WARM), *choice, *own]
    floor, peak, seconds = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return float(floor), float(peak), float(seconds)


def sequences() -> None:
    print(f"\nA step over {TICKS:,} ticks, {HIDDEN} neurons, batch 1: HL by autograd, each in a process of its own")
    print("(peak memory above that before the step, and time: medians of three ratios)")
    for model, limits in LIMITS.items():
        runs = []
        for _ in range(3):  # interleaved
            runs.append({memory: measured("hl", memory, model) for memory in limits})
            runs[-1]["autograd"] = measured("pytorch", "store", model)
        whole = [run["autograd"] for run in runs]
        print(f"{model} by autograd: {whole[0][1]:.1f} MB, {whole[0][2]:.2f} s", flush=True)
        for memory, (most, longest) in limits.items():
            of = [run[memory] for run in runs]
            peaks = [ours[1] / theirs[1] for ours, theirs in zip(of, whole, strict=True)]
            times = [ours[2] / theirs[2] for ours, theirs in zip(of, whole, strict=True)]
            floor = max(ours[0] for ours in of)
            detail = f"{max(ours[1] for ours in of):9.2f} MB ({floor:.2f} for {WARM} ticks)"
            show(f"{model} {memory}: memory", statistics.median(peaks), most, detail, digits=4)
            show(f"{model} {memory}: time", statistics.median(times), longest, f"{of[0][2]:9.2f} s")
