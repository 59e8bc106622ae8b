"""The fully local scheme in several processes: a tick of a deep net in two, by a tick in one."""

from __future__ import annotations

import statistics
import subprocess
import sys
from pathlib import Path

from ratios import show

WIDTH, LAYERS, BATCH, TICKS = 2048, 8, 64, 20
MOST = 1 / 1.7
RUNS = 3

STEPS = """
import sys
from itertools import islice
from time import perf_counter
sys.path.insert(0, sys.argv[1])
from hydra import compose, initialize_config_module
from hl_cli import schema
from hl_cli.building import comparison
from hl_cli.follow import follow
from hl_cli.parallel import rank
from hl_cli.parallel.meeting import meet
if rank() > 0:
    sys.exit(follow())
schema.register()
with initialize_config_module("hl_cli.configs", version_base="1.3"):
    cfg = compose("run", overrides=sys.argv[3:])
world = meet()
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
world.hand_out(None)
world.close()
"""


def tick(processes: int) -> float:
    """Seconds of a tick; a window of 2,048 ticks of a sine is the input, so that all layers are square."""
    choice = [
        "stream=sine", f"stream.ticks={WIDTH}", "stream.held_out=1", f"batch_size={BATCH}", "scheme=local",
        f"model.hidden={[WIDTH] * LAYERS}".replace(" ", ""), "scenario=gd_b",
    ]  # fmt: skip
    launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}", "--no-python"]
    command = [sys.executable, "-c", STEPS, str(Path(__file__).parent), str(TICKS), *choice]
    if processes > 1:
        command = [sys.executable, *launcher, *command]
    said = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(said.stdout.split()[-1])


def pipeline() -> None:
    print(f"\nscheme=local, {LAYERS} layers of {WIDTH}, batch {BATCH}: a tick in two processes by one, a thread each")
    pairs = [(tick(2), tick(1)) for _ in range(RUNS)]
    ratio = statistics.median(two / one for two, one in pairs)
    show("local in 2 processes", ratio, MOST, f"{pairs[0][0] * 1e3:9.1f} ms, {1 / ratio:.2f} times the throughput")
