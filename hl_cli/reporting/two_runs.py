"""hl-run compare DIR1 DIR2: are two runs the same, and if not, where do they part?

Cells of CSV files are compared as they are written, in full precision, so that equal text is equal bits. Times are left
out: steps per second, seconds of blocks, the command, whether a run was resumed, and how many periods were replayed
since. Final weights are those of the last checkpoints.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

from hl_cli.config.renamed import renewed_config
from hl_cli.errors import BadInput
from hl_cli.reporting.readback import CONFIG, json_of, rows_of, yaml_of

OF_TIME = ("steps_per_second", "pipeline", "command", "resumed", "replayed")
MISSING = "nothing"


@dataclass
class Apart:
    """How far one file of two runs is apart. count: cells compared, differing: of them; first, largest: in words."""

    file: str
    count: int = 0
    differing: int = 0
    first: str = ""
    largest: str = ""
    _gap: float = -1.0

    def see(self, where: str, a: Any, b: Any) -> None:
        """Compare one cell: where in the file, and its value in either run."""
        self.count += 1
        if a == b:
            return
        self.differing += 1
        self.first = self.first or f"{where}: {a} and {b}"
        gap = _gap(a, b)
        if gap > self._gap:
            self._gap, self.largest = gap, f"{gap:.3g} at {where}"


def _gap(a: Any, b: Any) -> float:
    """|a - b|, for what are numbers; -1 for others."""
    try:
        gap = abs(float(a) - float(b))
    except (TypeError, ValueError):
        return -1.0
    return gap if math.isfinite(gap) else -1.0


def compare(one: Path, other: Path) -> list[Apart]:
    """All files of two runs that can be compared; raises BadInput for a folder that holds no run."""
    for folder in (one, other):
        if not (folder / "curves.csv").is_file():
            raise BadInput(f"{folder}: holds no run (no curves.csv); allowed: two folders of runs")
    names = sorted({path.name for folder in (one, other) for path in folder.glob("*.csv")})
    found = [_table(one, other, name) for name in names]
    found.append(_summary(one, other))
    return [*found, *_weights(one, other)]


def _table(one: Path, other: Path, name: str) -> Apart:
    apart = Apart(name)
    if not (one / name).is_file() or not (other / name).is_file():
        apart.see("the file", *("there" if (folder / name).is_file() else MISSING for folder in (one, other)))
        return apart
    here, there = rows_of(one / name), rows_of(other / name)
    header, others = next(here, []), next(there, [])
    if header != others:
        apart.see("the header", ",".join(header), ",".join(others))
        return apart
    for number, (x, y) in enumerate(zip_longest(here, there), start=1):
        if x is None or y is None:
            apart.see(f"row {number}", *(MISSING if row is None else f"{header[0]} {row[0]}" for row in (x, y)))
            break
        for column, p, q in zip_longest(header, x, y, fillvalue=MISSING):
            apart.see(f"{column}, {header[0]} {x[0]}", p, q)
    return apart


def _summary(one: Path, other: Path) -> Apart:
    apart = Apart("summary.json")
    a, b = (dict(_flat(_json(folder / apart.file))) for folder in (one, other))
    for name in dict.fromkeys((*a, *b)):
        if not set(name.split(".")) & set(OF_TIME):
            apart.see(name, a.get(name, MISSING), b.get(name, MISSING))
    return apart


def _json(path: Path) -> Any:
    return json_of(path) if path.exists() else {"the file": MISSING}


def _flat(value: Any, where: str = "", lists: bool = True) -> Iterator[tuple[str, Any]]:
    """The leaves of a tree of dicts, and of lists if wanted, by their place."""
    is_list = lists and isinstance(value, list | tuple)
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if is_list else None
    if not pairs:
        yield where, value
        return
    for key, part in pairs:
        yield from _flat(part, f"{where}.{key}" if where else str(key), lists)


def _weights(one: Path, other: Path) -> list[Apart]:
    """Weights, costates and optimizer after the last step, where both runs have kept them."""
    if not all([*folder.glob("checkpoints/end-*.pt")] for folder in (one, other)):
        return []
    import torch

    from hl_cli.reporting.checkpoints import read, saved

    apart = Apart("final weights")
    states = []
    for folder in (one, other):
        file = saved(folder)[0]
        state = read(file)
        if "learners" not in state:
            raise BadInput(f"{file}: damaged: a checkpoint without learners")
        states.append(dict(_flat(state["learners"])))
    for name in dict.fromkeys((*states[0], *states[1])):
        a, b = (state.get(name, MISSING) for state in states)
        if (
            not isinstance(a, torch.Tensor)
            or not isinstance(b, torch.Tensor)
            or a.shape != b.shape
            or a.dtype != b.dtype
        ):
            apart.see(name, _said(a), _said(b))
        elif torch.equal(a.contiguous().view(torch.uint8), b.contiguous().view(torch.uint8)) if a.dim() else a.equal(b):
            apart.see(name, 0, 0)
        else:
            gap = float((a.double() - b.double()).abs().max())
            apart.see(f"{name}, largest difference", 0.0, gap)
    return [apart]


def _said(value: Any) -> str:
    """A tensor by its type and shape, anything else as it is."""
    return f"{value.dtype} {tuple(value.shape)}" if hasattr(value, "dtype") else str(value)


def options(one: Path, other: Path) -> list[str]:
    """The options in which the configs of two runs differ, as far as both have kept them."""
    files = [folder / CONFIG / "config.yaml" for folder in (one, other)]
    if not all(file.is_file() for file in files):
        return []
    a, b = (dict(_flat(renewed_config(yaml_of(file, dict)), lists=False)) for file in files)
    apart = [name for name in dict.fromkeys((*a, *b)) if a.get(name, MISSING) != b.get(name, MISSING)]
    return [f"{name}: {a.get(name, MISSING)} and {b.get(name, MISSING)}" for name in apart]


def said(found: Sequence[Apart], differing: Sequence[str] = ()) -> str:
    """The table, and one line that says it all; differing: options."""
    rows = [["file", "cells", "differ", "largest difference"]]
    rows += [[a.file, f"{a.count:,}", f"{a.differing:,}" if a.differing else "-", a.largest or "-"] for a in found]
    widths = [max(len(row[k]) for row in rows) for k in range(4)]
    lines = [
        f"  {row[0]:<{widths[0]}}  {row[1]:>{widths[1]}}  {row[2]:>{widths[2]}}  {row[3]}".rstrip() for row in rows
    ]
    parted = [f"  first difference in {a.file}: {a.first}" for a in found if a.differing]
    configs = [f"  another option: {option}" for option in differing]
    return "\n".join([*lines, "", *configs, *(parted or ["  equal: every number of both runs, to the bit"])])


def main(arguments: Sequence[str]) -> int:
    """Print the comparison; return 0 for equal runs, 3 for others, 1 for bad input."""
    try:
        if len(arguments) != 2:
            raise BadInput("compare: allowed: two folders of runs, as in hl-run compare DIR1 DIR2")
        one, other = map(Path, arguments)
        found, differing = compare(one, other), options(one, other)
    except (BadInput, OSError) as error:
        print(f"hl-run: {' '.join(str(error).split())}", file=sys.stderr)
        return 1
    print(said(found, differing))
    return 3 if any(apart.differing for apart in found) else 0
