"""The tables of task=sample: draws.csv, chains.csv and summary.csv, and what the console and the report show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from statistics import median
from typing import Any

from hl_cli.replicates.quartiles import PARTS, quartiles
from hl_cli.reporting.task_tables import write_csv
from hl_cli.sampling.chains import Chains
from hl_cli.sampling.diagnostics import Diagnostics
from hl_cli.sampling.methods import METHODS
from hl_cli.sampling.tuning import Tried

NUMBERS = tuple(one.name for one in fields(Diagnostics) if one.type == "float" and one.name != "step")
MOMENTS = 7
SHOWN = {
    "accepted": "accepted", "ess_bulk": "ESS", "ess_tail": "tail ESS", "per_evaluation": "ESS/1000 evals",
    "per_second": "ESS/s", "evaluations": "evals/step", "r_hat": "R-hat", "ks": "KS",
}  # fmt: skip
FORMS = {"accepted": ".2f", "ess_bulk": ".0f", "ess_tail": ".0f", "r_hat": ".3f", "ks": ".3f", "per_second": ",.1f"}


def write_draws(folder: Path, chains: Mapping[str, list[Chains]], names: Sequence[str]) -> None:
    """draws.csv: a row a draw."""

    def rows() -> Iterable[list[Any]]:
        for method, replicates in chains.items():
            for replicate, of in enumerate(replicates):
                own = (of.q.tolist(), of.accepted.tolist(), of.energy.tolist())
                for chain, (q, accepted, energy) in enumerate(zip(*own, strict=True)):
                    for k, row in enumerate(zip(accepted, energy, q, strict=True)):
                        yield [method, replicate, chain, k, int(row[0]), row[1], *row[2]]

    write_csv(folder / "draws.csv", ["method", "replicate", "chain", "draw", "accepted", "energy", *names], rows())


def write_replicates(folder: Path, found: Sequence[Diagnostics], names: Sequence[str]) -> None:
    """replicates.csv: a row a method and replicate, with mean and standard deviation of each coordinate."""
    head = ["method", "replicate", "step", "length", *NUMBERS]
    moments = [f"{what}_{name}" for what in ("mean", "std") for name in names]
    rows = ([*(getattr(of, name) for name in head), *of.mean, *of.std] for of in found)
    write_csv(folder / "replicates.csv", [*head, *moments], rows)


def write_summary(folder: Path, found: Sequence[Diagnostics]) -> None:
    """summary.csv: a row a method; first quartile, median and third quartile over the replicates."""
    head = ["method", "step", "length", *(f"{name}_{part}" for name in NUMBERS for part in PARTS)]
    rows = [
        [own[0].method, own[0].step, own[0].length,
         *(value for name in NUMBERS for value in quartiles(getattr(of, name) for of in own))]
        for own in by_method(found).values()
    ]  # fmt: skip
    write_csv(folder / "summary.csv", head, rows)


def write_tuning(folder: Path, tried: Mapping[str, list[Tried]]) -> None:
    """tuning.csv: a row a setting that was tried."""
    names = ("accepted", "per_evaluation", "evaluations", "unconverged")
    rows = [[method, one.step, one.length, *(getattr(of, name) for name in names)]
            for method, all_ in tried.items() for one, of in all_]  # fmt: skip
    write_csv(folder / "tuning.csv", ["method", "step", "length", *names], rows)


def by_method(found: Sequence[Diagnostics]) -> dict[str, list[Diagnostics]]:
    """Those of each method, in order."""
    return {name: [of for of in found if of.method == name] for name in dict.fromkeys(of.method for of in found)}


def middle(own: Sequence[Diagnostics], name: str) -> float:
    """The median over replicates."""
    return float(median(getattr(of, name) for of in own))


def table(found: Sequence[Diagnostics]) -> list[list[str]]:
    """Header and a row a method: medians over the replicates."""
    known = {name: label for name, label in SHOWN.items() if name != "ks" or any(of.ks == of.ks for of in found)}
    rows = [
        [METHODS[name].label, f"{own[0].step:g}", str(own[0].length),
         *(format(middle(own, key), FORMS.get(key, ".3g")) for key in known)]
        for name, own in by_method(found).items()
    ]  # fmt: skip
    return [["", "step", "length", *known.values()], *rows]


def moments(found: Sequence[Diagnostics], names: Sequence[str]) -> list[list[str]]:
    """Means and standard deviations of the first `MOMENTS` coordinates, medians over the replicates."""
    shown = [*names][:MOMENTS]

    def cell(own: Sequence[Diagnostics], k: int) -> str:
        return f"{median(of.mean[k] for of in own):.3g} ({median(of.std[k] for of in own):.3g})"

    rows = [[METHODS[name].label, *(cell(own, k) for k in range(len(shown)))] for name, own in by_method(found).items()]
    return [["", *shown], *rows]
