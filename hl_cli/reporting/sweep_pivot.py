"""How a sweep is laid out for the eye: which swept keys name a panel, which a colour, which a marker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hl_cli.reporting.palette import FEW

PANELS = ("stream", "model", "experiment")  # panels first, where they are swept
COLOR, MARKER = "scenario", "split"


@dataclass(frozen=True)
class Layout:
    """The swept keys by what they become; a row of the sweep has one value for each."""

    panel: tuple[str, ...]
    color: tuple[str, ...]
    marker: tuple[str, ...]


def layout(swept: Sequence[str], arms: int = FEW) -> Layout:
    """Model and stream make panels, the scenario a colour, the split a marker; other keys take the places left.

    arms: of a job; more than FEW take the colours, and every key makes panels.
    """
    if arms > FEW:
        return Layout(tuple(sorted(swept, key=lambda key: key not in PANELS)), (), ())
    panel = [key for key in PANELS if key in swept]
    color, marker = [key for key in (COLOR,) if key in swept], [key for key in (MARKER,) if key in swept]
    for key in (key for key in swept if key not in (*PANELS, COLOR, MARKER)):
        (color if not color else marker if not marker else panel).append(key)
    return Layout(tuple(panel), tuple(color), tuple(marker))


def value_of(row: dict[str, Any], keys: Sequence[str]) -> str:
    """What a row has for some of its keys, in words."""
    return ", ".join(str(row[key]) if key in (*PANELS, COLOR, MARKER) else f"{key} {row[key]}" for key in keys)


def panel_of(row: dict[str, Any], keys: Sequence[str]) -> str:
    """The title of a row's panel."""
    named = {key for key in ("model", "stream") if row.get(key)}
    rest = value_of(row, [key for key in keys if key not in named])
    return " on ".join(str(row[key]) for key in ("model", "stream") if key in named) + f", {rest}" * bool(rest)


def pivot(rows: Sequence[dict[str, Any]], swept: Sequence[str], column: str) -> list[list[Any]]:
    """A table of one column: panels and markers down, colours across; nothing where fewer than two keys are swept."""
    if len(swept) < 2:
        return []
    of = layout(swept)
    across = of.color or of.marker or of.panel[-1:]
    down = [key for key in (*of.panel, *of.marker) if key not in across]
    heads = list(dict.fromkeys(value_of(row, across) for row in rows))
    table: dict[str, dict[str, Any]] = {}
    for row in rows:
        value = row.get(column)
        table.setdefault(value_of(row, down), {})[value_of(row, across)] = row["status"] if value is None else value
    return [["", *heads], *([name, *(line.get(head, "") for head in heads)] for name, line in table.items())]
