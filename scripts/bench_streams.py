"""What streams cost: a sample by a step of the default MLP at batch 1, and memory over many samples."""

from __future__ import annotations

import copy
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

from ratios import bare_pytorch, build, compare, show

from hl_cli.streams.base import Stream

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tests.material import OPTIONS, needs

ENDLESS = ("sine", "square", "lorenz", "mackey_glass", "pendulum", "mass_spring", "signal_school", "drift", "text")
SAMPLES = 10**6
GIGABYTE = 2**30

TAKE = """
import gc, sys, warnings
from itertools import islice
warnings.simplefilter("ignore")
sys.path.insert(0, sys.argv[1])
from hl_cli import config
config.register()
from ratios import build
stream = build(*sys.argv[3:]).stream
def take(count):
    for _ in islice(stream, count): pass
    gc.collect()
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) / 1024
before = take(20_000)
print(before, take(int(sys.argv[2])))
"""


def streams() -> None:
    print("\nA sample of the stream, by a step of PyTorch (MLP 64-32-10, batch 1)")
    warnings.simplefilter("ignore")  # of torchvision's operators
    step = bare_pytorch(build())
    for option in OPTIONS:
        if option == "plugin":
            continue
        stream = build(f"stream={option}", *needs(option), "model=linear", "split=output").stream
        start = copy.deepcopy(stream.state_dict())

        def sample(stream: Stream = stream, start: dict[str, Any] = start) -> object:
            try:
                return next(stream)
            except StopIteration:  # it has ended, and begins again
                stream.load_state_dict(start)
                return next(stream)

        compare(option, 0.1, sample, step)


def resident(samples: int, *overrides: str) -> tuple[float, float]:
    """Memory of a process (MB; Linux) after 20,000 samples, and after so many more."""
    folder = str(Path(__file__).parent)
    command = [sys.executable, "-c", TAKE, folder, str(samples), *overrides]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return float(said[0]), float(said[1])


def memory() -> None:
    print(f"\nMemory, MB: what a process grows by over {SAMPLES:,} samples, after the first 20,000")
    for option in ENDLESS:
        before, after = resident(SAMPLES, f"stream={option}", *needs(option), "model=linear", "split=output")
        show(option, after - before, 5.0, f"{after:9.0f} MB in all")
    print("\nMemory, MB: a series of 1 GB by one of 1 MB, 100,000 samples")
    with tempfile.TemporaryDirectory() as name:
        found = []
        for size in (2**20, GIGABYTE):
            path = Path(name) / "series.csv"
            line = "".join(f"{k % 7},{k % 11}.{k:06d},{k % 13}.5\n" for k in range(2000))
            with path.open("w") as file:
                file.write("a,b,c\n")
                for _ in range(size // len(line)):
                    file.write(line)
            choice = ["stream=series", f"stream.path={path}", "stream.target=b", "model=linear", "split=output"]
            found.append(resident(100_000, *choice)[1])
        show("series of 1 GB", found[1] - found[0], 40.0, f"{found[1]:9.0f} MB in all")
