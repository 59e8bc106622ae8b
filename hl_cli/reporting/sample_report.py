"""The sections of the report of task=sample, and what it warns of."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hl_cli.reporting.sample_tables import MOMENTS, by_method, middle, moments, table
from hl_cli.reporting.sections import Section
from hl_cli.sampling.diagnostics import Diagnostics
from hl_cli.sampling.methods import METHODS
from hl_cli.sampling.target import Target

READ = (
    "Medians over the replicates. ESS: effective draws, bulk, the least over coordinates. evals: pairs (dH/dq, dH/dp), "
    "of the steps that were taken; those of HMC are gradients of U alone and cost less. ESS/s: of CPU time, all "
    "chains side by side."
)
KNOWN = "KS: largest Kolmogorov-Smirnov distance of a marginal from the known one."
BIASED = 0.9


def read(target: Target) -> str:
    """How to read the table."""
    return f"{READ} {KNOWN}" if target.cdf else READ


def warnings(found: Sequence[Diagnostics], exact: bool) -> list[str]:
    """What a reader must not overlook."""
    said = []
    for name, own in by_method(found).items():
        label, accepted = METHODS[name].label, middle(own, "accepted")
        if accepted == 0.0:
            said.append(f"{label}: nothing is accepted at step {own[0].step:g}: a smaller one.")
        elif name == "explicit" and accepted < BIASED and not exact:
            said.append(
                f"{label}: acceptance {accepted:.2f} is below {BIASED:g}. The projection of the copies does not keep "
                "volume, and its bias shows there: a smaller step, or accept=exact as a check."
            )
        if (lost := middle(own, "unconverged")) > 0.0:
            said.append(f"{label}: {lost:.1%} of the trajectories had a fixed point that did not converge; refused.")
        if (r_hat := max(of.r_hat for of in own)) > 1.05:
            said.append(f"{label}: R-hat is up to {r_hat:.2f}: the chains do not agree, its numbers are rough.")
    return said


def sections(folder: Path, found: Sequence[Diagnostics], target: Target, exact: bool) -> list[Section]:
    """The parts of both pages."""
    shown = table(found)
    said = warnings(found, exact)
    parts = [Section("result", "Result", read(target), table=shown, numbers=len(shown[0]) - 1)]
    if said:
        rows = [[*one.split(": ", 1)] for one in said]
        parts.append(Section("warnings", "Warnings", table=[["method", "what"], *rows]))
    means = moments(found, target.names)
    words = f"Mean (standard deviation){f' of the first {MOMENTS} numbers' * (len(target.names) > MOMENTS)}."
    parts.append(Section("moments", "Moments", words, table=means, numbers=len(means[0]) - 1))
    for name, title, words in (
        ("marginals", "Marginals", "All replicates together. The line is the known density, where there is one."),
        ("pairs", "Pairs", "The first two coordinates, replicate 0."),
        ("traces", "Traces", "The first coordinate in the first chains of replicate 0."),
        ("energies", "Energies", "H at the draws and its change from draw to draw, each about its mean. A change much "
         "narrower than H itself means that the chains explore H slowly."),
        ("copies", "Copies", "Largest distance |q - q~| of the two copies of the explicit map on each trajectory."),
    ):  # fmt: skip
        if (folder / f"{name}.png").exists():
            parts.append(Section(name, title, words, pictures=[(folder / f"{name}.png", title.lower())]))
    return parts
