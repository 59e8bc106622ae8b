"""The table of a study on a page: what study.md says, a row an arm, setting and score, to be sorted."""

from __future__ import annotations

from hl_cli.reporting.html.sortable import Cell, Sortable, cell
from hl_cli.studies.intervals import Spread
from hl_cli.studies.study import Study
from hl_cli.studies.summary import Finding
from hl_cli.studies.tables import CSV, TUNED, said, tuning, weighed, words

NUMBERS = ("n", "diverged", "mean", "95 % interval", "median", "quartiles", "minus reference", "its interval", "won")


def sortable(study: Study, score: str = "") -> Sortable | None:
    """The table; None before a job has ended. score: that is shown at first, all where it is none of them."""
    judged = study.judged
    if not judged:
        return None
    scores = {one.score for one in judged}
    sized = weighed(judged)
    first = [*study.shown, "arm", "score"]
    heads = [*((key, False) for key in first), *((n, True) for n in (*(["weights"] if sized else []), *NUMBERS))]
    references = {one.reference for one in judged if one.reference}
    against = f"minus {references.pop()}" if len(references) == 1 else "minus reference"
    return Sortable(
        "study",
        "Study",
        [(against if name == "minus reference" else name, number) for name, number in heads],
        [(one.score.replace("_", " "), _cells(one, study.shown, sized)) for one in judged],
        "score",
        "rows",
        hint="filter: adam 0.1",
        chosen=score.replace("_", " ") if score in scores else "",
        words=words(study).replace("`", ""),
        before_title=f"Tuning. {TUNED}" if study.chosen else "",
        before=tuning(study) if study.chosen else [],
        file=CSV,
    )


def _cells(of: Finding, keys: list[str], sized: bool) -> list[Cell]:
    v, d = of.values, of.difference
    won = f"{of.won} of {of.pairs}{f', {of.equal} equal' if of.equal else ''}" if d else ""
    return [
        *(cell(of.setting[key]) for key in keys),
        cell(of.arm),
        cell(of.score.replace("_", " ")),
        *([cell("" if of.weights is None else f"{of.weights:,}", of.weights or "", "number")] if sized else []),
        cell(str(v.n), kind="number"),
        cell(f"{v.missing} of {v.n}" if v.missing else "", v.missing, kind="number", tone="bad" if v.missing else ""),
        *_mean(v),
        _number(v.median, "diverged" if v.n == v.missing or v.median is None else ""),
        _interval(v.q25, v.q75, " to ") if v.n > 1 and v.median is not None else cell(""),
        *(_mean(d) if d else [cell(""), cell("")]),
        cell(won, of.won / of.pairs if of.pairs else "", kind="number"),
    ]


def _mean(of: Spread) -> list[Cell]:
    return [_number(of.mean), _interval(of.low, of.high, ", ") if of.n > 1 and of.mean is not None else cell("")]


def _number(value: float | None, otherwise: str = "") -> Cell:
    return cell(otherwise, "", "number") if value is None else cell(said(value), value, "number")


def _interval(low: float | None, high: float | None, between: str) -> Cell:
    """Sorted by its lower end."""
    return cell(f"{said(low)}{between}{said(high)}", "" if low is None else low, "number")
