"""The sections of the report of task=density."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hl_cli.density.study import Result
from hl_cli.reporting.density_tables import checked
from hl_cli.reporting.sections import Section

READ = (
    "Medians [quartiles] over the replicates; likelihoods are means of log p(x) over held-out points, more is better. "
    "ELBO and the importance bound are from below, with so many momenta a point; RealNVP and the mixture know log p "
    "itself. energy distance: between points of an arm and held-out points; the last row has that of two real samples."
)
CHECKS = (
    "The largest of all replicates, in float64. |log det|: of the Jacobian of the whole flow, 0 for a Hamiltonian one. "
    "there and back: distance from the start. p turned: the same where the momentum is turned round in place of time, "
    "which undoes a flow with an even K alone."
)
PICTURES = {
    "density": ("Densities", "The importance bound, or the density itself, on a grid."),
    "samples": ("Points", "Drawn from each arm, beside held-out ones."),
    "film": (
        "Points on their way",
        "From noise at the left to points at the right; of a Hamiltonian flow the positions. A point keeps its "
        "colour; a frame whose points go further is wider.",
    ),
    "potential": ("Learnt potentials", "V of each Hamiltonian, in the order in which they carry points; low is dark."),
    "digits": ("Points as pictures", "Back from principal components to pixels."),
    "training": ("Training", "Looks at points kept apart, one momentum a point. The best look of a replicate is kept."),
}
TIMELESS = "Nothing here learns over time, and Hamiltonian Learning trains none of these: Adam does, on whole batches."


def sections(folder: Path, results: Sequence[Result], shown: list[list[str]]) -> list[Section]:
    """The parts of both pages; a picture that is not there is left out."""
    found = [Section("result", "Result", READ, table=shown, numbers=len(shown[0]) - 1)]
    checks = checked(results)
    if len(checks) > 1:
        found.append(Section("checks", "Volume and inverse", CHECKS, table=checks, numbers=len(checks[0]) - 1))
    for name, (title, words) in PICTURES.items():
        if (folder / f"{name}.png").exists():
            found.append(Section(name, title, words, pictures=[(folder / f"{name}.png", title.lower())]))
    about = [["", "arm", "what it is"], *([of.arm.label, of.arm.name, of.arm.words] for of in results)]
    same = "All have the same points; flows see them in the same order, for the same number of steps."
    found.append(Section("arms", "Arms", same, table=about))
    tried = [of for of in results if of.tried]
    if tried:
        rows = [["", *(f"{lr:g}" for lr, _ in tried[0].tried)]]
        rows += [[of.arm.label, *(f"{reached:.3f}" for _, reached in of.tried)] for of in tried]
        words = "What each rate reached on a replicate of its own, as mean log w of points kept apart."
        found.append(Section("rates", "Rates tried", words, table=rows, numbers=len(rows[0]) - 1))
    return found


def words(results: Sequence[Result]) -> str:
    """How to read the table of the console, and what it has no room for."""
    rows = checked(results)[1:]
    said = "; ".join(f"{label}: |log det| {log_det}, there and back {back}" for label, log_det, back, _ in rows)
    return f"{READ} {said}." if said else READ
