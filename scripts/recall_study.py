"""Where forward credit helps, and where not: tasks that ask for memory, by delay, net and kind of credit.

    .venv/bin/python scripts/recall_study.py FOLDER          writes FOLDER/recall.png and prints the table
    .venv/bin/python scripts/recall_study.py FOLDER seeds=1 delays=3,8 arms="forward credit,window 1" scheme.eta_z=0.1

Each number is the mean squared error over the last 1,000 of 12,000 ticks by the power of the target, so that zero
output has 1: the best of three learning rates, the mean of two seeds, 16 neurons, no reset. The arms: HL's forward
costates, truncated BPTT with window 1, 8 and 32, real-time recurrent learning. A window of w ticks moves the weights
every w ticks along the mean, so its rates are w times the others. Further words are overrides for all runs, which take
turns on all cores.
"""

from __future__ import annotations

import statistics
from itertools import islice, product
from multiprocessing import get_context
from typing import Any

import matplotlib
import torch

matplotlib.use("Agg")

import matplotlib.pyplot as plt
from ratios import build
from words import folder_and_pairs

from hl_cli import config
from hl_cli.errors import NonFinite

RATES = (0.003, 0.01, 0.03)  # a tick
LAST = 1000
NETS = {"damped rotation": ("model=rotation", "model.damping=0.9")}
ARMS = {"forward credit": 1, "window 1": 1, "window 8": 8, "window 32": 32, "real time": None}  # windows
COLORS = dict(zip(ARMS, ("#00477f", "#9a9a9a", "#edae49", "#d1495b", "#2e8b57"), strict=True))


def error(arm: str, net: str, task: str, delay: int, rate: float, seed: int, *overrides: str) -> float:
    """Mean squared error by the power of the target over the last ticks of one run, infinite where it diverged."""
    window = ARMS[arm]
    credit = (f"arms.pytorch.window={window}",) if window else ("arms.pytorch.window=null", "arms.pytorch.credit=rtrl")
    built = build(
        "experiment=recall", "model.hidden=16", *NETS.get(net, (f"model={net}",)), f"stream.task={task}", *credit,
        f"stream.delay={delay}", f"seed={seed}", f"scenario.lr={rate}", f"arms.pytorch.lr={rate * (window or 1)}",
        *overrides,
    )  # fmt: skip
    learner: Any = built.hl if arm == "forward credit" else built.pytorch
    losses, power = [], []
    try:
        for sample in islice(built.stream, built.schedule.steps):
            losses.append(learner.step(sample).loss)
            power.append(float(sample.target.square().mean()))  # type: ignore[union-attr]
    except NonFinite:
        return float("inf")
    return sum(losses[-LAST:]) / sum(power[-LAST:])


def ready() -> None:
    """A process computes one run at a time."""
    config.register()
    torch.set_num_threads(1)


def main() -> None:
    folder, given = folder_and_pairs(__doc__)
    seeds, tasks = int(given.pop("seeds", 2)), given.pop("tasks", "copy,adding").split(",")
    nets = given.pop("nets", "rnn,damped rotation").split(",")
    arms = given.pop("arms", ",".join(ARMS)).split(",")
    delays = [int(word) for word in given.pop("delays", "3,5,8,50").split(",")]
    overrides = [f"{key}={value}" for key, value in given.items()]
    figure, axes = plt.subplots(
        len(tasks), len(nets), figsize=(1.5 + 3.4 * len(nets), 0.8 + 2.9 * len(tasks)), layout="constrained",
        sharex=True, sharey=True, squeeze=False,
    )  # fmt: skip
    print("mean squared error by the power of the target; zero output has 1")
    print(f"{'':<42} " + " ".join(f"{f'{delay} ticks':>9}" for delay in delays))
    with get_context("spawn").Pool(initializer=ready) as pool:
        for task, row in zip(tasks, axes, strict=True):
            for net, axis in zip(nets, row, strict=True):
                for arm in arms:
                    runs = [(arm, net, task, *rest, *overrides) for rest in product(delays, RATES, range(seeds))]
                    errors = iter(pool.starmap(error, runs, chunksize=1))
                    means = [[statistics.mean(islice(errors, seeds)) for _ in RATES] for _ in delays]
                    found = [min(of_delay) for of_delay in means]
                    print(f"{f'{task}, {net}, {arm}':<42} " + " ".join(f"{e:9.3g}" for e in found), flush=True)
                    axis.plot(delays, found, "-o", color=COLORS[arm], label=arm, markersize=4)
                axis.axhline(1.0, color="black", linewidth=0.8, linestyle=":")
                axis.set_title(f"{task}, {net}", fontsize=10)
                axis.set_xscale("log")
                axis.set_yscale("log")
                axis.set_xticks(delays, [str(delay) for delay in delays])
                axis.minorticks_off()
                axis.grid(alpha=0.25)
    axes[0][0].legend(framealpha=0.8, edgecolor="none", fontsize=8)
    figure.supxlabel("delay, ticks", fontsize=10)
    figure.supylabel("error by zero output's", fontsize=10)
    figure.savefig(folder / "recall.png", dpi=120)


if __name__ == "__main__":
    main()
