"""The tables of task=density: its CSV files, and what the console and the report show."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from hl_cli.density.found import FoundFlow
from hl_cli.density.study import Result, Score
from hl_cli.density.summary import MEASURES, Summary
from hl_cli.replicates.quartiles import PARTS, Quartiles, between, quartiles
from hl_cli.reporting.task_tables import write_csv

FIELDS = ("arm", "replicate", "parameters", "lr", *MEASURES)
Real = tuple[list[float] | None, list[float]]
"""The true mean log density, where it is known, and the energy distance of two real samples; by replicate."""


def write_scores(folder: Path, results: Sequence[Result], real: Real) -> None:
    """scores.csv: a row an arm and replicate; then the truth: its log density, and the distance of two real samples."""

    def row(of: Score) -> list[Any]:
        return ["" if (value := getattr(of, name)) is None else value for name in FIELDS]

    truth = [
        ["truth", k, "", "", "", "" if real[0] is None else real[0][k], distance, "", "", ""]
        for k, distance in enumerate(real[1])
    ]
    write_csv(folder / "scores.csv", FIELDS, [*(row(of) for result in results for of in result.scores), *truth])


def write_summary(folder: Path, summaries: Sequence[Summary]) -> None:
    """summary.csv: a row an arm; first quartile, median and third quartile of each measure over the replicates."""
    head = ["arm", "parameters", "lr", *(f"{name}_{part}" for name in MEASURES for part in PARTS)]
    nothing = ("", "", "")
    rows = (
        [of.arm, of.parameters, of.lr, *(value for name in MEASURES for value in of.measures.get(name, nothing))]
        for of in summaries
    )
    write_csv(folder / "summary.csv", head, rows)


def write_training(folder: Path, results: Sequence[Result]) -> None:
    """training.csv: the mean log w of the points kept apart at each look; a row an arm, step and replicate."""
    rows = (
        [result.arm.name, step, replicate, value]
        for result in results
        for step, values in result.curve
        for replicate, value in enumerate(values.tolist())
    )
    write_csv(folder / "training.csv", ["arm", "step", "replicate", "log_weight"], rows)


def write_tuning(folder: Path, results: Sequence[Result]) -> None:
    """tuning.csv: a row a rate that was tried."""
    rows = ([result.arm.name, lr, reached] for result in results for lr, reached in result.tried)
    write_csv(folder / "tuning.csv", ["arm", "lr", "log_weight"], rows)


def write_samples(folder: Path, results: Sequence[Result], held_out: Any) -> None:
    """samples.csv: the points of the first replicate; held-out ones first, which are real."""
    found = {"held_out": held_out[0], **{of.arm.name: of.drawn[0] for of in results}}

    def rows() -> Iterable[list[Any]]:
        for name, points in found.items():
            yield from ([name, *point] for point in points.tolist())

    write_csv(folder / "samples.csv", ["arm", *(f"x{k + 1}" for k in range(held_out.shape[-1]))], rows())


def table(results: Sequence[Result], summaries: Sequence[Summary], real: Real, samples: int) -> list[list[str]]:
    """Header, a row an arm, and the truth: medians [quartiles]; what is log p itself stands under the bound."""
    rows = [["", "parameters", "rate", "ELBO", f"log p, or bound of {samples}", "energy distance"]]
    for result, of in zip(results, summaries, strict=True):
        bounded = result.arm.flow is not None and result.arm.flow.momentum
        cells = [_cell(of.measures["elbo"]) if bounded else "", _cell(of.measures["bound"])]
        rate = f"{of.lr:g}" if of.lr else ""
        rows.append([result.arm.label, f"{of.parameters:,}", rate, *cells, _cell(of.measures["energy_distance"])])
    truth = "" if real[0] is None else _cell(quartiles(real[0]))
    return [*rows, ["truth, two real samples", "", "", "", truth, _cell(quartiles(real[1]))]]


def checked(results: Sequence[Result]) -> list[list[str]]:
    """Header and a row a flow: the largest of all replicates."""
    heads = {"log_det": "|log det|", "back": "there and back", "turned": "p turned"}
    rows = [["", *heads.values()]]
    for result in results:
        if isinstance(result.found, FoundFlow):
            found = [[getattr(of, name) for of in result.scores] for name in heads]
            rows.append([result.arm.label, *("" if None in of else f"{max(of):.1e}" for of in found)])
    return rows


def _cell(values: Quartiles) -> str:
    form = ".3f" if abs(values[1]) > 0.1 else ".4f"
    return f"{values[1]:{form}} {between(values, form)}"
