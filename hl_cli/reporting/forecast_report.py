"""The sections of the report of task=forecast."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hl_cli.forecast.study import Result
from hl_cli.forecast.summary import Summary
from hl_cli.reporting.forecast_tables import table
from hl_cli.reporting.sections import Section

READ = (
    "Medians [quartiles] over the replicates. error: squared error of q and v over the first steps by the power of the "
    "truth; over many periods it is a matter of phase, and 1 to 2 where the phase is lost. "
)
ENERGY = (
    "energy error: mean of |E(t) - E(0)| / |E(0)|; drift: the same of the mean energy of the last tenth against the "
    "first; both the median over starts. "
)
PICTURES = {
    "energy": ("Energy", "The energy of the true system at the points of each forecast."),
    "phase": ("Phase portrait", "Forecasts of the first replicate. On a level line the energy is constant."),
    "forecast": (
        "Forecast beside the truth",
        "The first start of the first replicate, not a chosen one. What is beyond the axis is cut off.",
    ),
    "potential": ("Learnt potential", "Up to a constant, which no motion shows."),
}
DEFECT = "defect: max |J^T Omega J - Omega| of a step, 0 for a symplectic map."


def read(conserved: bool) -> str:
    """How to read the table."""
    return READ + (ENERGY if conserved else "") + DEFECT


def sections(
    folder: Path, results: Sequence[Result], summaries: Sequence[Summary], near: int, horizon: int, conserved: bool
) -> list[Section]:
    """The parts of both pages; a picture that is not there is left out."""
    rows = table(results, summaries, near, horizon)
    about = [["", "arm", "what it is"], *([of.arm.label, of.arm.name, of.arm.words] for of in results)]
    found = [Section("result", "Result", read(conserved), table=rows, numbers=len(rows[0]) - 1)]
    if summaries[0].constants:
        found.append(_constants(results, summaries))
    for name, (title, words) in PICTURES.items():
        if (folder / f"{name}.png").exists():
            found.append(Section(name, title, words, pictures=[(folder / f"{name}.png", title.lower())]))
    same = "All have the same windows, in the same order, and the same steps."
    return [*found, Section("arms", "Arms", same, table=about)]


def _constants(results: Sequence[Result], summaries: Sequence[Summary]) -> Section:
    kept = [*summaries[0].constants]
    rows = [["", *(name.replace("_", " ") for name in kept)]]
    for result, of in zip(results, summaries, strict=True):
        rows.append([result.arm.label, *(f"{of.constants[name][1]:.1e}" for name in kept)])
    words = "Medians over the replicates of the mean of |c(t) - c(0)|. The truth keeps all of them."
    return Section("constants", "Other constants of motion", words, table=rows, numbers=len(kept))
