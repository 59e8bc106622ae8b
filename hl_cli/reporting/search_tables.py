"""The tables of task=minimise: trials.csv, best.csv and summary.csv, and what the console and the report show."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from hl_cli.minimise.methods import METHODS
from hl_cli.minimise.search import Trials
from hl_cli.minimise.summary import Outcome
from hl_cli.replicates.quartiles import PARTS, between
from hl_cli.reporting.task_tables import write_csv

SETTINGS = ("lr", "friction", "delta", "alpha", "forgetting")
NUMBERS = 6  # columns of the table of the report that hold numbers


def write_trials(folder: Path, found: Sequence[Trials]) -> None:
    """trials.csv: a row a trial. An infinite value was not finite at the end."""

    def rows() -> Iterable[list[Any]]:
        for of in found:
            columns = [of.settings[name].tolist() if name in of.settings else None for name in SETTINGS]
            ends = (of.began.tolist(), of.value.tolist(), of.judged.tolist(), of.usable.tolist())
            for trial, (began, value, judged, usable) in enumerate(zip(*ends, strict=True)):
                own = ["" if column is None else column[trial] for column in columns]
                yield [of.method, of.replicate, trial, *own, began, value, judged, int(usable)]

    head = ["method", "replicate", "trial", *SETTINGS, "start_value", "final_value", "judged", "usable"]
    write_csv(folder / "trials.csv", head, rows())


def write_best(folder: Path, found: Sequence[Trials]) -> None:
    """best.csv: a row a method and replicate, with the best trial and what it comes to on each fresh instance."""
    fresh = [f"transfer_{k}" for k in range(len(found[0].transfer))]

    def rows() -> Iterable[list[Any]]:
        for of in found:
            own = [float(of.settings[name][of.best]) if name in of.settings else "" for name in SETTINGS]
            judged, usable = float(of.judged[of.best]), float(of.usable.double().mean())
            yield [of.method, of.replicate, of.best, *own, judged, *of.transfer.tolist(), usable]

    head = ["method", "replicate", "trial", *SETTINGS, "judged", *fresh, "usable_share"]
    write_csv(folder / "best.csv", head, rows())


def write_summary(folder: Path, outcomes: Sequence[Outcome]) -> None:
    """summary.csv: a row a method; first quartile, median and third quartile of each quantity."""
    names = ("best", "transfer", "usable")
    head = ["method", *(f"{name}_{part}" for name in (*names, *SETTINGS) for part in PARTS)]
    nothing = ("", "", "")
    rows = [
        [
            of.method,
            *(value for name in names for value in getattr(of, name)),
            *(value for name in SETTINGS for value in of.settings.get(name, nothing)),
        ]
        for of in outcomes
    ]
    write_csv(folder / "summary.csv", head, rows)


def table(outcomes: Sequence[Outcome]) -> list[list[str]]:
    """Header and a row a method: medians, each with its quartiles."""
    head = ["", "best", "[quartiles]", "transfer", "[quartiles]", "usable", "[quartiles]"]
    return [head, *([METHODS[of.method].label, *_numbers(of)] for of in outcomes)]


def _numbers(of: Outcome) -> list[str]:
    pairs = [(of.best, ".1e"), (of.transfer, ".1e"), (of.usable, ".2f")]
    return [cell for values, form in pairs for cell in (format(values[1], form), between(values, form))]


def settings_table(outcomes: Sequence[Outcome]) -> list[list[str]]:
    """The numbers of the best trials."""
    rows = [
        [
            METHODS[of.method].label,
            *(
                f"{of.settings[name][1]:.2g} {between(of.settings[name], '.2g')}" if name in of.settings else ""
                for name in SETTINGS
            ),
        ]
        for of in outcomes
    ]
    shown = [k for k in range(len(SETTINGS) + 1) if k == 0 or any(row[k] for row in rows)]
    return [[row[k] for k in shown] for row in (["", *SETTINGS], *rows)]
