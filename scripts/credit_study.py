"""How much of the gradient over time the forward costate carries: cosine and norm ratio against BPTT.

    .venv/bin/python scripts/credit_study.py FOLDER     writes FOLDER/credit.png and prints the table

Weights are frozen. The sum over T ticks of HL's drive of the state net, with costates alive and zeroed before each tick
(truncated BPTT with window 1), is compared with the gradient of the summed loss by back-propagation over all T ticks.
Tanh RNN and rotations, 16 neurons, on `recall` (copy, 3 ticks); medians over 5 seeds. Expect at T = 1000 a cosine of
0.89 (rnn), -0.20 (rotation), 0.98 (damped) with costates alive, of 0.79, 0.58 and 0.54 with window 1.
"""

from __future__ import annotations

from itertools import islice

import matplotlib
import numpy as np
import torch

matplotlib.use("Agg")

import matplotlib.pyplot as plt
from ratios import build
from words import folder_and_pairs

from hl_cli import config

TICKS, SEEDS = (10, 30, 100, 300, 1000), 5
NETS = {"rnn": (), "rotation": (), "damped rotation": ("model.damping=0.9",)}
CREDITS = {"costates alive": "true", "window 1": "false"}
COLORS = {"rnn": "#00477f", "rotation": "#d1495b", "damped rotation": "#edae49"}


def gradients(net: str, seed: int, carry: str) -> list[tuple[float, float]]:
    """Cosine and norm ratio at each of TICKS."""
    built = build(
        "scheme=forward", "stream=recall", f"model={net.split()[-1]}", *NETS[net], "model.hidden=16", f"seed={seed}",
        f"scheme.carry={carry}", "scenario=custom", "scenario.lr=1e-30", "dtype=float64", "arms.pytorch.window=1",
    )  # fmt: skip
    samples = list(islice(built.stream, max(TICKS)))
    module, learner = built.pytorch.module, built.hl
    names = [name for name, _ in module.named_parameters() if name.startswith("cells")]
    states, total, found = [None] * len(module.cells), torch.zeros(()), []
    ready = module.ready()
    summed: dict[str, torch.Tensor] = {}
    own = dict(learner.split.module.named_parameters())
    for tick, sample in enumerate(samples, start=1):
        x, states = module.tick(sample.inputs[:, 0], states, ready)
        total = total + built.measure.loss(module.head(x), sample.target)
        learner.step(sample)
        omega = learner.phase.costates()
        for name in names:  # without momentum omega is the drive of this tick
            summed[name] = summed.get(name, 0) + omega[own[name]]
        if tick in TICKS:
            wrt = [p for name, p in module.named_parameters() if name in names]
            exact = torch.cat([g.flatten() for g in torch.autograd.grad(total, wrt, retain_graph=True)])
            hl = torch.cat([summed[name].flatten() for name in names])
            found.append((float(hl @ exact / (hl.norm() * exact.norm())), float(hl.norm() / exact.norm())))
    return found


def main() -> None:
    folder, _ = folder_and_pairs(__doc__)
    config.register()
    torch.set_num_threads(1)
    figure, axes = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
    print(f"{'':<34} " + " ".join(f"{f'T={t}':>15}" for t in TICKS) + "   (cosine, norm ratio)")
    for net in NETS:
        for credit, carry in CREDITS.items():
            median = np.median([gradients(net, seed, carry) for seed in range(SEEDS)], axis=0)
            print(f"{net + ', ' + credit:<34} " + " ".join(f"{c:7.3f} {r:7.3g}" for c, r in median), flush=True)
            for k, axis in enumerate(axes):
                style = "-o" if carry == "true" else "--x"
                axis.plot(TICKS, median[:, k], style, color=COLORS[net], label=f"{net}, {credit}")
    for axis, title in zip(axes, ("cosine with the gradient of BPTT", "norm by that of BPTT"), strict=True):
        axis.set_xscale("log")
        axis.set_xlabel("ticks T that are summed")
        axis.set_title(title, fontsize=10)
        axis.grid(alpha=0.25)
    axes[0].set_ylim(-1.05, 1.05)
    axes[1].set_yscale("log")
    axes[0].legend(framealpha=0.8, edgecolor="none", fontsize=8)
    figure.suptitle("Forward credit against back-propagation through time, state net alone", fontsize=11)
    figure.savefig(folder / "credit.png", dpi=120)


if __name__ == "__main__":
    main()
