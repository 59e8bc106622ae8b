"""How the arms look: the same colour for the same arm in every picture, told apart by colour-blind readers too.

Colours beyond those of `hl` and `pytorch` are of Okabe and Ito's palette, https://jfly.uni-koeln.de/color/ .
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

FEW = 2  # arms; more are not told apart at a glance
OWN = {"hl": "#00477f", "pytorch": "#d1495b"}
OTHERS = ("#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#7f6000", "#000000", "#8c8c8c", "#6a3d9a")
PREFERRED = (
    "adam", "hl_forward", "rtrl", "tbptt8", "tbptt32", "tbptt1", "frozen", "hl_wave",
    "adamw", "rmsprop", "hl_local", "hl_blocks", "hl_explicit", "zero",
)  # fmt: skip


@dataclass(frozen=True)
class Look:
    """An arm in a picture. key: the name of its colour in pages; wide: drawn first, a pale band on which others lie;
    marked: thin, with markers, because it lies on the band.
    """

    name: str
    label: str
    color: str
    key: str
    wide: bool
    marked: bool


def key_of(name: str, names: Sequence[str]) -> str:
    """The name of an arm's colour: its own for `hl` and `pytorch`, else one of arm0, arm1, ...

    A known arm has its own place in the palette; one that is taken already, or unknown, takes the next free place.
    """
    if name in OWN:
        return name
    taken: dict[str, int] = {}
    others = [other for other in names if other not in OWN]
    for other in sorted(others, key=lambda one: PREFERRED.index(one) if one in PREFERRED else len(PREFERRED)):
        wished = PREFERRED.index(other) % len(OTHERS) if other in PREFERRED else 0
        free = [k for k in range(len(OTHERS)) if k not in taken.values()] or [*range(len(OTHERS))]
        taken[other] = wished if wished in free else free[0]
    return f"arm{taken[name]}"


def color_of(key: str) -> str:
    """A colour of pictures by its name."""
    return OWN[key] if key in OWN else OTHERS[int(key.removeprefix("arm"))]


def looks(summary: dict[str, Any]) -> list[Look]:
    """How the arms of a run are drawn, in the order of drawing: the reference first."""
    names, labels = summary["arms"], summary["labels"]
    reference = summary["reference"]
    order = sorted(names, key=lambda name: name != reference)
    found = []
    for name in order:
        key = key_of(name, names)
        meant = len(names) == 2 or summary[name].get("verdict") in ("identical", "round_off")
        found.append(Look(name, labels[name], color_of(key), key, name == reference, name != reference and meant))
    return found
