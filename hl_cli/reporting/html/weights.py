"""The figures of how far the weights of the arms are apart."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hl_cli.reporting.columns import by_arm
from hl_cli.reporting.html.thinning import plain, stretches, thinned
from hl_cli.reporting.palette import Look
from hl_cli.reporting.sections import Section

ROWS = 60  # of the heat map of the tensors
Table = dict[str, "array[float]"]


def weight_difference(folder: Path, arms: Sequence[Look], floor: dict[int, float] | None) -> Section:
    """How far the weights are from the reference's: all together over time, and tensor by tensor as heat maps."""
    reference, *others = arms
    alone = others[0].name if others else ""
    tables = by_arm(folder / "weight_difference.csv", alone)
    tensors = by_arm(folder / "tensor_difference.csv", alone)
    section = Section("weights", "Differences of the weights")
    compared = [arm for arm in others if arm.name in tables and len(tables[arm.name]["step"])]
    apart = [arm for arm in compared if any(ulp > 0 for ulp in tables[arm.name]["max_ulp"])]
    equal = [
        f"Every weight of {arm.label} equals {reference.label}'s, bit for bit, at all {len(steps)} measured steps "
        f"({int(steps[0])} to {int(steps[-1])})"
        for arm in compared
        if arm not in apart and (steps := tables[arm.name]["step"])
    ]
    if not apart:
        section.words = f"{'; '.join(equal)}: there is nothing to draw." if equal else "No step was compared."
        return section

    against = f" - {reference.label}|"
    layers: list[dict[str, Any]] = []
    for arm in apart:
        gaps = np.array(tables[arm.name]["max_abs"])
        shown = {"step": tables[arm.name]["step"], "largest": np.where(gaps > 0, gaps, np.nan)}
        data = thinned(shown, {"step": "step", "largest": "largest"}, "step")
        label = "largest weight difference" if len(others) == 1 else arm.label
        curve = {"column": "largest", "label": label, "color": arm.key, "width": 1.6, "alpha": 1.0}
        layers.append({"data": data, "lines": [curve]})
    if floor:
        pairs = {"step": plain(list(floor)), "floor": plain([v if v > 0 else np.nan for v in floor.values()])}
        noise = {"column": "floor", "label": "noise floor", "color": "quiet", "width": 2, "alpha": 1.0, "dash": [6, 4]}
        layers.append({"data": pairs, "lines": [noise]})
    section.figures = [
        {
            "title": "largest weight difference",
            "y": f"max |{others[0].label if len(others) == 1 else 'arm'}{against}",
            "scale": "log",
            "layers": layers,
        },
        *(
            _tensors(tensors[arm.name], arm.label if len(others) > 1 else "", f"max |{arm.label}{against}")
            for arm in apart
        ),
    ]
    section.words = (
        f"The largest of all weights, with the noise floor where it is known: two {reference.label} runs started one "
        "ulp apart. Then tensor by tensor: an empty cell is equal bit for bit, a stretch of steps shows its largest "
        f"value.{''.join(f' {words}.' for words in equal)}"
    )
    section.pictures = [
        (folder / "weight_difference.png", "largest weight difference over time"),
        (folder / "tensor_difference.png", "largest weight difference of each tensor over the steps"),
    ]
    return section


def _tensors(table: Table, whose: str, about: str) -> dict[str, Any]:
    steps, names = np.array(table["step"]), [name for name in table if name != "step"]
    grid = np.array([table[name] for name in names])
    starts, cells = stretches(grid)
    largest = np.argsort(-grid.max(1), kind="stable")[:ROWS]
    rows = sorted(int(k) for k in largest)
    ends = [*starts[1:], len(steps)]
    return {
        "kind": "heat",
        "about": about,
        "title": f"largest difference of each tensor{whose and f', {whose}'}"
        + (f", the {ROWS} largest of {len(names)}" if len(names) > ROWS else ""),
        "x": "step",
        "columns": [[int(steps[a]), int(steps[b - 1])] for a, b in zip(starts, ends, strict=True)],
        "rows": [names[k] for k in rows],
        "values": [plain([value if value > 0 else np.nan for value in cells[k]]) for k in rows],
        "scale": "log",
    }
