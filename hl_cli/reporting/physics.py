"""physics.png: the Hamiltonian and its parts over time, and the sizes of costates and weights, from physics.csv."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hl_cli.reporting.canvas import canvas
from hl_cli.reporting.columns import Table, by_arm
from hl_cli.reporting.palette import Look
from hl_cli.reporting.shortened import averaged

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ENERGIES = {
    "hamiltonian": ("#00477f", "H"),
    "loss_term": ("#d1495b", "phi L, the loss"),
    "kinetic": ("#edae49", "T(omega), kinetic"),
}
TITLES = ("Hamiltonian and its parts, before the weights move", "sizes of costates and weights")
THIN = 1.2  # width of a line
WINDOWS = 60  # over which many points are averaged
DECADES = 1e6  # that an axis shows at most
NORMS = {
    "state_costate_norm": ("#00477f", "|z|, neuron costates"),
    "weight_costate_norm": ("#d1495b", "|omega|, weight costates"),
    "weight_norm": ("#66a182", "|theta|, weights"),
}


def draw_physics(folder: Path, title: str, arms: Sequence[Look]) -> None:
    """Energies on a scale that shows both signs; norms on a logarithmic one. Nothing where no arm has any.

    Of one arm, a panel of energies and one of norms. Of several, a panel a quantity, in the colours of the arms, each
    line thinner than the one below it. Of many points that swing from one to the next the mean over windows is drawn,
    and the points pale beneath it.
    """
    tables = by_arm(folder / "physics.csv", arms[0].name)
    shown = [arm for arm in arms if arm.name in tables]
    if not shown:
        return
    several = len(shown) > 1
    size: dict[str, Any] = {"figsize": (14, 7.5) if several else (11, 4.2), "squeeze": False}
    with canvas(folder / "physics.png", *((2, 3) if several else (1, 2)), **size) as (figure, axes):
        for row, quantities in enumerate((ENERGIES, NORMS)):
            for k, (name, (color, label)) in enumerate(quantities.items()):
                axis = axes[row][k] if several else axes[0][row]
                for above, arm in enumerate(shown):
                    look = (arm.color, arm.label) if several else (color, label)
                    _draw(axis, tables[arm.name], name, quantities is NORMS, *look, THIN * (len(shown) - above))
                if several:
                    axis.set_title(label, fontsize=10)
        for axis in axes.flat:
            axis.set_xlabel("step")
            axis.grid(alpha=0.25)
        energies, norms = (axes[0], axes[1]) if several else (axes[0][:1], axes[0][1:])
        _scale(energies, norms, [tables[arm.name] for arm in shown])
        if several:
            handles = axes[0][0].get_legend_handles_labels()
            figure.legend(*handles, loc="outside lower center", ncols=8, frameon=False, fontsize=9)
        else:
            for axis, words in zip(axes[0], TITLES, strict=True):
                axis.set_title(words, fontsize=10)
                axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.13), ncols=3, frameon=False, fontsize=9)
        figure.suptitle(f"{title}: {TITLES[0]}; {TITLES[1]}" if several else title, fontsize=11)


def _draw(axis: Axes, table: Table, name: str, is_norm: bool, color: str, label: str, width: float) -> None:
    steps, values = np.array(table["step"]), np.array(table[name])
    if is_norm:  # a costate that is zero, as at the first step, is no point of a logarithmic scale
        values = np.where(values > 0, values, np.nan)
    window = len(values) // WINDOWS
    if window < 2:
        axis.plot(steps, values, color=color, lw=width, marker=".", ms=3 + width, label=label)
        return
    axis.plot(steps, values, color=color, lw=0, marker=".", ms=3, alpha=0.25, mew=0)
    axis.plot(averaged(steps, window), averaged(values, window), color=color, lw=1.3 * width, label=label)


def _scale(energies: Sequence[Axes], norms: Sequence[Axes], tables: Sequence[Table]) -> None:
    from matplotlib.ticker import SymmetricalLogLocator

    sizes = np.abs(np.concatenate([np.array(table[name]) for table in tables for name in ENERGIES]))
    seen = sizes[np.isfinite(sizes) & (sizes > 0)]
    if len(seen):
        linear = max(float(np.quantile(seen, 0.1)), float(seen.max()) / DECADES)
        linear = 10.0 ** np.floor(np.log10(linear))  # so that its mark stands a decade from zero
        for axis in energies:
            axis.set_yscale("symlog", linthresh=linear)
            locator = SymmetricalLogLocator(base=10, linthresh=linear)
            locator.set_params(numticks=9)
            axis.yaxis.set_major_locator(locator)
    largest = max((value for table in tables for name in NORMS for value in table[name]), default=0.0)
    for axis in norms if largest > 0 else ():
        axis.set_yscale("log")
        axis.set_ylim(bottom=max(axis.get_ylim()[0], largest / DECADES**2))
