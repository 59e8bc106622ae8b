"""The fully local scheme in several processes: a tick of a deep net in two, by a tick in one."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from ratios import show

WIDTH, LAYERS, BATCH, TICKS = 2048, 8, 64, 20
MOST = 1 / 1.7
RUNS = 3

STEPS = """
import sys
import tempfile
from itertools import islice
from time import perf_counter
sys.path.insert(0, sys.argv[1])
from hydra import compose, initialize_config_module
from hl_cli import config
from hl_cli.build import comparison
from hl_cli.runs.worker import follow
from hl_cli.parallel import rank
from hl_cli.parallel.rendezvous import rendezvous
if rank() > 0:
    sys.exit(follow())
config.register()
with initialize_config_module("hl_cli.configs", version_base="1.3"):
    cfg = compose("run", overrides=sys.argv[3:])
world = rendezvous()
built = comparison(cfg, world)
world.enlist(cfg)
count = int(sys.argv[2])
samples = list(islice(built.stream, 3 * count))
with world.leading():
    for sample in samples[:2 * count]:  # the pipeline fills, the machine warms up
        built.hl.step(sample)
    start = perf_counter()
    built.hl.expect(count, False)
    for sample in samples[2 * count:]:
        built.hl.step(sample)
    print((perf_counter() - start) / count)
world.broadcast(None)
world.close()
"""


def start(processes: int) -> subprocess.Popen[str]:
    """Run it; a window of 2,048 ticks of a sine is the input, so that all layers are square."""
    choice = [
        "stream=sine", f"stream.ticks={WIDTH}", "stream.held_out=1", f"batch_size={BATCH}", "scheme=local",
        f"model.hidden={[WIDTH] * LAYERS}".replace(" ", ""), "scenario=gd_b",
    ]  # fmt: skip
    command = [sys.executable, "-c", STEPS, str(Path(__file__).parent), str(TICKS), *choice]
    if processes > 1:  # the ranks meet on loopback alone, as docs/howto/cluster.md says
        meet = ["--rdzv-backend", "c10d", "--rdzv-endpoint", tempfile.mkstemp()[1], "--rdzv-conf", "store_type=file"]
        there = [*meet, "--local-addr", "127.0.0.1", f"--nproc-per-node={processes}", "--no-python"]
        command = [sys.executable, "-m", "torch.distributed.run", *there, *command]
    environment = {**os.environ, "TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1"}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def tick(*running: subprocess.Popen[str]) -> float:
    """Seconds of a tick, the mean of those that run side by side."""
    said = [process.communicate()[0] for process in running]
    if any(process.returncode for process in running):
        raise SystemExit("bench: a process of the pipeline failed")
    return statistics.mean(float(line.split()[-1]) for line in said)


def pipeline() -> None:
    print(f"\nscheme=local, {LAYERS} layers of {WIDTH}, batch {BATCH}: a tick in two processes by one, a thread each")
    runs = [(tick(start(2)), tick(start(1)), tick(start(1), start(1))) for _ in range(RUNS)]
    ratio = statistics.median(two / one for two, one, _ in runs)
    show("local in 2 processes", ratio, MOST, f"{runs[0][0] * 1e3:9.1f} ms, {1 / ratio:.2f} times the throughput")
    most = statistics.median(2 * one / apart for _, one, apart in runs)
    print(f"(two nets that know nothing of each other, side by side, reach {most:.2f} times on these cores)")
