"""study.csv and study.md: what the repetitions of each setting say, beside sweep.csv.

The columns of study.csv, in their order:

    <a column a swept key>      but the seed
    arm, score                  pytorch, held_out_accuracy
    n, diverged                 repetitions, and how many of them have no number
    mean, sd                    empty where any repetition diverged
    low, high, interval         95 % interval of the mean, and how it was found: t, bootstrap
    median, q25, q75            a repetition that diverged counts as the worst
    reference                   the arm that the others are measured against
    difference, difference_low, difference_high    of the arm minus the reference, paired by seed, with its interval
    won, equal, pairs           seeds in which the arm is better than the reference, or as good, of how many
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hl_cli.reporting.cells import as_cell
from hl_cli.reporting.markdown import table
from hl_cli.reporting.whole import whole, write_text
from hl_cli.studies.intervals import Spread
from hl_cli.studies.study import Study, study_of
from hl_cli.studies.summary import Finding

CSV, PAGE = "study.csv", "study.md"
TUNED = "Arms were tuned on other seeds than those below."
NUMBERS = ("mean", "sd", "low", "high", "interval", "median", "q25", "q75")


def write_study(
    folder: Path, rows: Sequence[dict[str, Any]], swept: Sequence[str], arms: Sequence[str], show: Sequence[str] = ()
) -> None:
    """Write both files, each whole or not at all; nothing before a job has ended. show: scores of study.md, or all."""
    study = study_of(rows, swept, arms)
    if not study.found:
        return
    with whole(folder / CSV) as path, path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        header = [*study.keys, "arm", "score", "n", "diverged", *NUMBERS, "reference",
                  "difference", "difference_low", "difference_high", "won", "equal", "pairs"]  # fmt: skip
        writer.writerow(map(as_cell, header))
        writer.writerows(map(as_cell, _row(finding, study.keys)) for finding in study.found)
    write_text(folder / PAGE, page(study, show))


def _row(of: Finding, keys: Sequence[str]) -> list[Any]:
    v, d = of.values, of.difference
    apart = [d.mean, d.low, d.high, of.won, of.equal, of.pairs] if d else [None] * 6
    numbers = [getattr(v, name) for name in NUMBERS]
    return [*(of.setting[key] for key in keys), of.arm, of.score, v.n, v.missing, *numbers, of.reference, *apart]


def page(study: Study, show: Sequence[str] = ()) -> str:
    """study.md: what was chosen by tuning, then a table a setting and score; show: those scores alone, where any."""
    lines = ["# Study", "", words(study), ""]
    if study.chosen:
        lines += ["## Tuning", "", table(tuning(study)), "", TUNED, ""]
    scores = dict.fromkeys(one.score for one in study.judged)
    if missing := [name for name in show if scores and name not in scores]:
        lines += [f"study.show: no arm has {', '.join(missing)}; allowed: {', '.join(scores)}", ""]
    groups: dict[tuple[tuple[str, str], ...], dict[str, list[Finding]]] = {}
    for one in (one for one in study.judged if not show or one.score in show):
        groups.setdefault(tuple(one.setting.items()), {}).setdefault(one.score, []).append(one)
    for setting, by_score in groups.items():
        shown = [(key, value) for key, value in setting if key in study.shown]
        if shown:
            lines += [f"## {', '.join(f'{key} {value}' for key, value in shown)}", ""]
        for score, arms in by_score.items():
            lines += [f"### {score.replace('_', ' ')}", "", table(rows_of(arms), 5 + weighed(arms)), ""]
    return "\n".join(lines)


def words(study: Study) -> str:
    """How many repetitions there are, and what follows from them."""
    if study.most < 2:
        return "No setting has a repetition, so there is no interval; sweep over seed: `seed=0,1,2,3,4`."
    return (
        f"Up to {study.most} repetitions a setting, by seed. Means with their 95 % interval (t below 10 repetitions, "
        "bootstrap from there on); the difference from the reference is paired by seed."
    )


def tuning(study: Study) -> list[list[str]]:
    """Header and a row a setting and arm: what it is judged with."""
    rows = [[*study.shown, "arm", "judged with", "candidates tried", "at an edge"]]
    for choice in study.chosen:
        said = ", ".join(f"{field.split('.', 2)[2]} {value}" for field, value in choice.candidate.items())
        edge = ", ".join(field.split(".", 2)[2] for field in choice.edge)
        setting = [choice.setting[key] for key in study.shown]
        rows.append([*setting, choice.arm, said, str(choice.tried), f"{edge}: widen what is tried" if edge else ""])
    return rows


def weighed(arms: Sequence[Finding]) -> bool:
    """Whether arms have nets of different sizes, which a reader then wants to know."""
    return len({one.weights for one in arms}) > 1


def rows_of(arms: Sequence[Finding]) -> list[list[str]]:
    """Header and a row an arm, of one setting and score."""
    reference = next((one.reference for one in arms if one.reference), None)
    against = f"minus {reference}" if reference else "difference"
    sized = weighed(arms)
    rows = [["arm", *(["weights"] if sized else []), "n", "mean", "median (quartiles)", against, "won"]]
    for one in arms:
        v = one.values
        n = f"{v.n}, {v.missing} diverged" if v.missing else str(v.n)
        won = f"{one.won} of {one.pairs}{f', {one.equal} equal' if one.equal else ''}" if one.difference else ""
        size = ["" if one.weights is None else f"{one.weights:,}"] if sized else []
        rows.append([one.arm, *size, n, _mean(v), _median(v), _mean(one.difference) if one.difference else "", won])
    return rows


def _mean(of: Spread) -> str:
    if of.mean is None:
        return ""
    return said(of.mean) + (f" [{said(of.low)}, {said(of.high)}]" if of.low is not None and of.n > 1 else "")


def _median(of: Spread) -> str:
    middle = "diverged" if of.median is None else said(of.median)
    if of.n < 2:
        return middle
    return f"{middle} ({said(of.q25)} to {said(of.q75)})"


def said(value: float | None) -> str:
    """A number as people read it; there is none of a run that diverged."""
    return "diverged" if value is None else f"{value:.4g}"
