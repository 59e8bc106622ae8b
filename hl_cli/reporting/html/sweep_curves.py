"""The curves of a sweep, to be zoomed into: a panel a net and stream as in sweep.png, a line a job and arm."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hl_cli.compare.metrics import POOLED
from hl_cli.reporting.html.page import Section
from hl_cli.reporting.html.thinning import thinned
from hl_cli.reporting.plots import settled
from hl_cli.reporting.sweep_pivot import layout, panel_of, value_of
from hl_cli.reporting.sweep_table import arms_of
from hl_cli.reporting.tables import read

MOST_PANELS, MOST_LINES, MOST_NAMED = 12, 60, 12  # of the page, of a panel, and of those in a legend
BUCKETS = 60  # of a curve
KEYS = ("hl", "pytorch", *(f"arm{k}" for k in range(8)))  # colours of the page
DASHES: tuple[list[int], ...] = ([], [6, 3], [2, 3], [8, 3, 2, 3])
REFERENCE = "pytorch"  # a wide pale line, on which others may lie
Row = dict[str, Any]


def curves(folder: Path, rows: Sequence[Row], choices: Sequence[str], picture: Path | None) -> Section | None:
    """Loss and main score of the last 100 steps over the steps; choices: the swept keys; picture: the grid of them."""
    drawn = [row for row in rows if row.get("folder") and (folder / row["folder"] / "running.csv").is_file()]
    of = layout(choices)
    colors, dashes = (list(dict.fromkeys(value_of(row, keys) for row in drawn)) for keys in (of.color, of.marker))
    panels: dict[str, list[Row]] = {}
    for row in drawn:
        panels.setdefault(panel_of(row, of.panel), []).append(row)
    figures = []
    for name, jobs in list(panels.items())[:MOST_PANELS]:
        tables = [read(folder / row["folder"] / "running.csv") for row in jobs]
        for quantity in dict.fromkeys(("loss", *(str(row["main"]) for row in jobs if row.get("main")))):
            layers = []
            for row, table in zip(jobs, tables, strict=True):
                color = KEYS[colors.index(value_of(row, of.color)) % len(KEYS)]
                dash = DASHES[dashes.index(value_of(row, of.marker)) % len(DASHES)]
                for arm in sorted(arms_of([row]), key=lambda arm: arm != REFERENCE):
                    if (column := f"window_{arm}_{quantity}") in table:
                        look = {"width": 5, "alpha": 0.3} if arm == REFERENCE else {"width": 1.6, "alpha": 1.0}
                        said = (f"{key.rpartition('.')[2]} {row[key]}" for key in choices if row.get(key))
                        label = ", ".join((*said, arm))
                        line = {"column": "y", "label": label, "color": color, "dash": dash, **look}
                        data = thinned(table, {"step": "step", "y": column}, "step", BUCKETS)
                        layers.append({"data": data, "lines": [line]})
            title = f"{name}: {quantity.replace('_', ' ')}" if name else quantity.replace("_", " ")
            shown = {"title": title, "y": quantity, "scale": "linear", "layers": layers[:MOST_LINES]}
            figures.append(shown | {"unnamed": len(layers) > MOST_NAMED} | _reach(tables, quantity))
    if not figures and (picture is None or not picture.exists()):
        return None
    words = f"Over the last 100 steps. {REFERENCE} is wide and pale; the mouse names a line." if figures else ""
    about = "loss and scores of all jobs over steps"
    return Section("grid", "Curves", words, figures, picture if picture and picture.exists() else None, about)


def _reach(tables: Sequence[Any], quantity: str) -> dict[str, Any]:
    """What a ratio reaches after its first steps, which may be anything; nothing where that is far below."""
    if quantity not in POOLED:
        return {}
    late = [
        value
        for table in tables
        for name in table
        if name.startswith("window_") and name.endswith(f"_{quantity}")
        for step, value in zip(table["step"], table[name], strict=True)
        if math.isfinite(value) and step > settled(int(table["step"][-1]))
    ]
    low = min(late, default=0.0)
    return {"reach": [min(1.05 * low - 0.02, -0.02), 1.02]} if low >= -1 else {}
