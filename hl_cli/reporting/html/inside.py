"""The figures of what went on inside: the physics of HL over time, and the blocks of a pipeline."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from hl_cli.reporting import facts
from hl_cli.reporting.columns import by_arm
from hl_cli.reporting.html.scales import signed, ticks, turn
from hl_cli.reporting.html.thinning import plain, thinned
from hl_cli.reporting.palette import Look
from hl_cli.reporting.physics import ENERGIES, NORMS
from hl_cli.reporting.sections import Section

COLORS = ("hl", "pytorch", "third")


def physics(folder: Path, arm: Look, first: bool, several: bool) -> Section:
    """Of an arm: energies on a scale that shows both signs and many decades, norms on a logarithmic one.

    first, several: the picture is of all arms that have any, and stands beside the first.
    """
    table = by_arm(folder / "physics.csv", arm.name)[arm.name]
    energies = np.array([table[name] for name in ENERGIES])
    linear = turn(energies)
    shown = {"step": np.array(table["step"])}
    for name, values in zip(ENERGIES, energies, strict=True):
        shown |= {name: values, f"{name}_at": signed(values, linear)}
    data = thinned(shown, {name: name for name in shown}, "step")
    lines = [
        {"column": f"{name}_at", "said": name, "label": label, "color": color, "width": 1.6, "alpha": 1.0}
        for (name, (_, label)), color in zip(ENERGIES.items(), COLORS, strict=True)
    ]
    energy = {
        "title": "the Hamiltonian and its parts", "y": "energy", "scale": "linear", "ticks": ticks(energies, linear),
        "layers": [{"data": data, "lines": lines}],
    }  # fmt: skip
    sizes = {
        "step": table["step"],
        **{name: np.where(np.array(table[name]) > 0, table[name], np.nan) for name in NORMS},
    }
    data = thinned(sizes, {name: name for name in sizes}, "step")
    lines = [
        {"column": name, "label": label, "color": color, "width": 1.6, "alpha": 1.0}
        for (name, (_, label)), color in zip(NORMS.items(), COLORS, strict=True)
    ]
    norms = {
        "title": "sizes of costates and weights",
        "y": "norm",
        "scale": "log",
        "layers": [{"data": data, "lines": lines}],
    }
    words = f"Of {arm.label} at the measured steps, before the weights move: H = phi L + z . f - T(omega)."
    about = "Hamiltonian, costates and weights over the steps"
    pictures = [(folder / "physics.png", about)] if first else []
    title = f"Physics of {arm.label}" if several else "Physics of the run"
    return Section(f"physics-{arm.name}" if several else "physics", title, words, [energy, norms], pictures)


def pipeline(folder: Path, blocks: list[dict[str, Any]]) -> Section:
    """Which block sat where, how long it computed and how long it waited."""
    parts = (
        ("computed", "computed", "hl"),
        ("shared", "its process was busy elsewhere", "quiet"),
        ("waited", "waited", "wait"),
    )
    seconds = {name: plain([block[name] for block in blocks]) for name, _, _ in parts}
    figure = {
        "kind": "bars", "title": "seconds in steps", "x": "seconds",
        "rows": [f"block {b['block']}, {b['place']}" for b in blocks],
        "parts": [{"label": label, "color": color, "values": seconds[name]} for name, label, color in parts],
    }  # fmt: skip
    rows = facts.blocks(blocks)
    words = "h passes upwards, its costate downwards."
    pictures = [(folder / "pipeline.png", "which block sat where, how long it computed and waited")]
    return Section("blocks", "The blocks", words, [figure], pictures, rows, 4)
