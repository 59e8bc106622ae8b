"""The sections of the report of task=minimise."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hl_cli.minimise.summary import Outcome
from hl_cli.reporting.search_tables import NUMBERS, settings_table, table
from hl_cli.reporting.sections import Section

READ = (
    "Medians over the replicates. best: of the best trial of each replicate, at its end. transfer: the same settings, "
    "unchanged, on fresh instances. usable: share of trials that end no higher than they began. A value that is not "
    "finite counts as infinite."
)


def sections(folder: Path, outcomes: Sequence[Outcome], plane: str) -> list[Section]:
    """The parts of both pages; plane: what the picture of the paths shows."""
    shares = "Share of usable settings by learning rate and 1 - momentum (Adam's 1 - b1), all replicates together."
    found = [
        Section("result", "Result", READ, table=table(outcomes), numbers=NUMBERS),
        Section("usable", "Usable settings", shares, pictures=[(folder / "usable.png", "share of usable settings")]),
    ]
    if plane:
        found.append(Section("paths", "Paths", plane, pictures=[(folder / "paths.png", "paths on a plane")]))
    chosen = settings_table(outcomes)
    words = "Median [quartiles] of the settings of the best trials."
    return [*found, Section("settings", "Best settings", words, table=chosen, numbers=len(chosen[0]) - 1)]
