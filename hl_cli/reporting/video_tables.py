"""The tables of task=video: its CSV files, and what the console and the report show."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from hl_cli.replicates.quartiles import PARTS, Quartiles, between
from hl_cli.reporting.task_tables import write_csv
from hl_cli.video.rollouts import Truth
from hl_cli.video.scores import MEASURES
from hl_cli.video.study import Result
from hl_cli.video.summary import Summary

HEADS = {
    "within": "within",
    "beyond": "beyond",
    "backward": "backward",
    "half": "half speed",
    "double": "double speed",
    "there_and_back": "there and back",
    "energy_wander": "energy wander",
    "energy_rank": "energy rank",
}


def write_scores(folder: Path, results: Sequence[Result]) -> None:
    """scores.csv: a row an arm and replicate."""
    rows = [
        [of.arm, of.replicate, of.parameters, *("" if getattr(of, k) is None else getattr(of, k) for k in MEASURES)]
        for result in results
        for of in result.scores
    ]
    write_csv(folder / "scores.csv", ["arm", "replicate", "parameters", *MEASURES], rows)


def write_summary(folder: Path, summaries: Sequence[Summary]) -> None:
    """summary.csv: a row an arm; first quartile, median and third quartile of each measure over the replicates."""
    head = ["arm", "parameters", *(f"{name}_{part}" for name in MEASURES for part in PARTS)]
    rows = [
        [of.arm, of.parameters, *(value for k in MEASURES for value in of.measures.get(k, ("", "", "")))]
        for of in summaries
    ]
    write_csv(folder / "summary.csv", head, rows)


def write_frames(folder: Path, results: Sequence[Result], truth: Truth) -> None:
    """frames.csv: a row a frame; for each arm the median over replicates of its error."""
    count = truth.normal.shape[2]
    columns = []
    for of in results:
        error = of.rollouts.by_frame(truth).median(1).values.tolist()
        columns.append([""] * (count - len(error)) + error)
    rows = [[k - truth.back, *row] for k, row in enumerate(zip(*columns, strict=True))]
    write_csv(folder / "frames.csv", ["frame", *(of.arm.name for of in results)], rows)


def write_training(folder: Path, results: Sequence[Result]) -> None:
    """training.csv: a row a step; for each arm the medians over replicates of error and divergence."""
    names = [f"{of.arm.name}_{what}" for of in results for what in ("error", "divergence")]
    values = torch.cat([of.history.median(2).values for of in results], 1).tolist()
    write_csv(folder / "training.csv", ["step", *names], [[k + 1, *row] for k, row in enumerate(values)])


def write_energy(folder: Path, results: Sequence[Result]) -> None:
    """energy.csv: a row a frame; the learnt H of the first videos of the first replicate."""
    (of,) = [of.rollouts for of in results if of.rollouts.energy is not None]
    assert of.energy is not None
    own = of.energy[:, 0, :20]
    rows = [[k - of.back, *row] for k, row in enumerate(own.tolist())]
    write_csv(folder / "energy.csv", ["frame", *(f"video_{k}" for k in range(own.shape[1]))], rows)


def table(results: Sequence[Result], summaries: Sequence[Summary]) -> list[list[str]]:
    """A column an arm, a row a measure: medians, errors with their quartiles; - where there is none."""
    rows = [["", *(of.arm.label for of in results)], ["parameters", *(f"{of.parameters:,}" for of in summaries)]]
    for name, words in HEADS.items():
        cells = [_cell(name, of.measures[name]) if name in of.measures else "-" for of in summaries]
        if any(cell != "-" for cell in cells):
            rows.append([words, *cells])
    return rows


def _cell(name: str, values: Quartiles) -> str:
    if name in ("there_and_back", "energy_wander"):
        return f"{values[1]:.2g}"
    if name == "energy_rank":
        return f"{values[1]:.4f}"
    return f"{values[1]:.2g} {between(values, '.2g')}"
