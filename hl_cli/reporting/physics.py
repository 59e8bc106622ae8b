"""physics.png: the Hamiltonian and its parts over time, and the sizes of costates and weights, from physics.csv."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.ticker import SymmetricalLogLocator

from hl_cli.reporting.canvas import canvas
from hl_cli.reporting.plots import averaged
from hl_cli.reporting.tables import by_arm

ENERGIES = {
    "hamiltonian": ("#00477f", "H"),
    "loss_term": ("#d1495b", "phi L, the loss"),
    "kinetic": ("#edae49", "(beta/2) |omega|², kinetic"),
}
WINDOWS = 60  # over which many points are averaged
DECADES = 1e6  # that an axis shows at most
NORMS = {
    "state_costate_norm": ("#00477f", "|z|, neuron costates"),
    "weight_costate_norm": ("#d1495b", "|omega|, weight costates"),
    "weight_norm": ("#66a182", "|theta|, weights"),
}


def draw_physics(folder: Path, title: str, arm: str) -> None:
    """Of one arm: energies on the left, on a scale that shows both signs; norms on the right, on a logarithmic one.

    Of many points that swing from one to the next the mean over windows is drawn, and the points pale beneath it.
    """
    table = by_arm(folder / "physics.csv", arm).get(arm)
    if table is None:
        return
    steps = np.array(table["step"])
    with canvas(folder / "physics.png", 1, 2, figsize=(11, 4.2)) as (figure, axes):
        for axis, curves in zip(axes, (ENERGIES, NORMS), strict=True):
            for name, (color, label) in curves.items():
                values = np.array(table[name])
                if curves is NORMS:  # a costate that is zero, as at the first step, is no point of a logarithmic scale
                    values = np.where(values > 0, values, np.nan)
                window = len(values) // WINDOWS
                if window < 2:
                    axis.plot(steps, values, color=color, lw=1.2, marker=".", ms=4, label=label)
                    continue
                axis.plot(steps, values, color=color, lw=0, marker=".", ms=3, alpha=0.25, mew=0)
                axis.plot(averaged(steps, window), averaged(values, window), color=color, lw=1.6, label=label)
            axis.set_xlabel("step")
            axis.grid(alpha=0.25)
            axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.13), ncols=3, frameon=False, fontsize=9)
        energies = np.abs(np.concatenate([np.array(table[name]) for name in ENERGIES]))
        seen = energies[energies > 0]
        if len(seen):
            linear = max(float(np.quantile(seen, 0.1)), float(seen.max()) / DECADES)
            linear = 10.0 ** np.floor(np.log10(linear))  # so that its mark stands a decade from zero
            axes[0].set_yscale("symlog", linthresh=linear)
            axes[0].yaxis.set_major_locator(SymmetricalLogLocator(base=10, linthresh=linear))
            axes[0].yaxis.get_major_locator().set_params(numticks=9)
        axes[0].set_title("Hamiltonian and its parts, before the weights move", fontsize=10)
        largest = max((value for name in NORMS for value in table[name]), default=0.0)
        if largest > 0:
            axes[1].set_yscale("log")
            axes[1].set_ylim(bottom=max(axes[1].get_ylim()[0], largest / DECADES**2))
        axes[1].set_title("sizes of costates and weights", fontsize=10)
        figure.suptitle(title, fontsize=11)
