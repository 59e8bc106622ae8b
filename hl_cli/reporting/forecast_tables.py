"""The tables of task=forecast: its CSV files, and what the console and the report show."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import torch

from hl_cli.dynamics.phase_space import Phase
from hl_cli.forecast.study import Result
from hl_cli.forecast.summary import MEASURES, Summary
from hl_cli.replicates.quartiles import PARTS, Quartiles, between
from hl_cli.reporting.task_tables import write_csv


def write_scores(folder: Path, results: Sequence[Result]) -> None:
    """scores.csv: a row an arm and replicate."""
    kept = [*results[0].scores[0].constants]
    rows = [
        [
            of.arm,
            of.replicate,
            of.parameters,
            *("" if getattr(of, name) is None else getattr(of, name) for name in MEASURES),
            *(of.constants[name] for name in kept),
        ]
        for result in results
        for of in result.scores
    ]
    write_csv(folder / "scores.csv", ["arm", "replicate", "parameters", *MEASURES, *kept], rows)


def write_summary(folder: Path, summaries: Sequence[Summary]) -> None:
    """summary.csv: a row an arm; first quartile, median and third quartile of each measure over the replicates."""
    kept = [*summaries[0].constants]
    head = ["arm", "parameters", *(f"{name}_{part}" for name in (*MEASURES, *kept) for part in PARTS)]
    nothing = ("", "", "")
    rows = [
        [
            of.arm,
            of.parameters,
            *(value for name in MEASURES for value in of.measures.get(name, nothing)),
            *(value for name in kept for value in of.constants[name]),
        ]
        for of in summaries
    ]
    write_csv(folder / "summary.csv", head, rows)


def write_energy(folder: Path, results: Sequence[Result], dt: float) -> None:
    """energy.csv: a row a step; for each arm the median of |E(t) - E(0)| / |E(0)| over starts and replicates."""
    found = [of.relative.abs().flatten(1).median(1).values for of in results if of.relative is not None]
    rows = ([step, step * dt, *row] for step, row in enumerate(torch.stack(found, 1).tolist()))
    write_csv(folder / "energy.csv", ["step", "time", *(of.arm.name for of in results)], rows)


def write_forecast(folder: Path, results: Sequence[Result], truth: Phase, dt: float) -> None:
    """forecast.csv: a row a step of the first start of the first replicate; q and v of the truth and of each arm."""
    n = truth[0].shape[-1]
    paths = {"truth": truth, **{of.arm.name: of.path for of in results}}
    names = [f"{name}_{of}{k + 1 if n > 1 else ''}" for name in paths for of in "qv" for k in range(n)]
    values = torch.cat([of[:, 0, 0] for path in paths.values() for of in path], 1)

    def rows() -> Iterable[list[Any]]:
        for step, row in enumerate(values.tolist()):
            yield [step, step * dt, *row]

    write_csv(folder / "forecast.csv", ["step", "time", *names], rows())


def table(results: Sequence[Result], summaries: Sequence[Summary], near: int, horizon: int) -> list[list[str]]:
    """Header and a row an arm: medians, each with its quartiles; of the defect the median alone."""
    heads = {
        "energy_error": "energy error",
        "drift": "drift",
        "error_near": f"error, {near} steps",
        "error_horizon": f"error, {horizon} steps",
        "defect": "defect",
    }
    shown = [name for name in heads if any(name in of.measures for of in summaries)]
    rows = [["", "parameters", *(heads[name] for name in shown)]]
    for result, of in zip(results, summaries, strict=True):
        cells = [_cell(name, of.measures[name]) if name in of.measures else "" for name in shown]
        rows.append([result.arm.label, f"{of.parameters:,}", *cells])
    return rows


def _cell(name: str, values: Quartiles) -> str:
    return f"{values[1]:.0e}" if name == "defect" else f"{values[1]:.2g} {between(values, '.2g')}"
