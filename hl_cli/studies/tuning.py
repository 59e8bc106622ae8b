"""Equal budgets: the candidates that each arm tries, and the one that it is judged with.

One job tries a candidate of every arm at once: B candidates take B jobs a seed, however many arms there are.
"""

from __future__ import annotations

import itertools
import math
import random
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from hl_cli.errors import BadInput
from hl_cli.reporting.sweep_table import larger_is_better, score_of

TUNING, JUDGING = "tuning", "judging"
FIRST_TUNING_SEED = 1000  # those of judging begin at 0
INTERVAL = re.compile(r"\s*interval\(\s*([^,\s]+)\s*,\s*([^,\s]+)\s*\)\s*")
Candidate = dict[str, str]  # field of the config to its value, as in a command
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Choice:
    """What an arm is judged with: `edge` names the fields whose value is the least or the largest that was tried.

    setting: of the sweep, beside what was tuned.
    """

    arm: str
    candidate: Candidate
    score: float | None
    tried: int
    edge: tuple[str, ...] = ()
    setting: Mapping[str, str] = field(default_factory=dict)


def candidates(
    tune: Mapping[str, Any], budget: int | None, fields: Mapping[str, Sequence[str]]
) -> dict[str, list[Candidate]]:
    """By arm, the same number for all of them; fields: those that each arm has (arms.adam.lr).

    A grid is tried whole, or `budget` of its points, drawn without repetition; of an interval `budget` numbers are
    drawn, evenly over its logarithm. The same draws for every arm. Raises BadInput for a pattern that no arm has.
    """
    for pattern in tune:
        if not any(fnmatchcase(field, pattern) for own in fields.values() for field in own):
            known = sorted({field for own in fields.values() for field in own})
            raise BadInput(f"study.tune: no arm has {pattern}; allowed: {', '.join(known)}, or * in place of a name")
    points = _points(tune, budget)
    found: dict[str, list[Candidate]] = {}
    for arm, own in fields.items():
        place = {pattern: [field for field in own if fnmatchcase(field, pattern)] for pattern in tune}
        tried = [{field: value for pattern, value in point.items() for field in place[pattern]} for point in points]
        if any(tried):
            found[arm] = tried
    return found


def _points(tune: Mapping[str, Any], budget: int | None) -> list[dict[str, str]]:
    """Values by pattern, a point a candidate."""
    drawn = {pattern: _bounds(pattern, said) for pattern, said in tune.items() if isinstance(said, str)}
    if drawn and budget is None:
        raise BadInput("study.budget=null: allowed with an interval: how many numbers to draw of it")
    listed = {pattern: [str(value) for value in said] for pattern, said in tune.items() if pattern not in drawn}
    for pattern, values in listed.items():
        if len(set(values)) < 2:
            raise BadInput(f"study.tune: {pattern} has {len(set(values))} value; allowed: two or more, or an interval")
    grid = [dict(zip(listed, values, strict=True)) for values in itertools.product(*listed.values())]
    dice = random.Random(0)
    if drawn:
        assert budget is not None
        return [
            {**dice.choice(grid), **{p: f"{math.exp(dice.uniform(*bounds)):.4g}" for p, bounds in drawn.items()}}
            for _ in range(budget)
        ]
    if budget is None or budget >= len(grid):
        return grid
    kept = sorted(dice.sample(range(len(grid)), budget))
    return [grid[k] for k in kept]


def _bounds(pattern: str, said: str) -> tuple[float, float]:
    match = INTERVAL.fullmatch(said)
    try:
        low, high = (float(number) for number in match.groups()) if match else (0.0, 0.0)
    except ValueError:
        low = high = 0.0
    if not 0 < low < high < math.inf:
        raise BadInput(
            f"study.tune: {pattern}={said}: allowed: a list of values, or interval(LOW, HIGH) with 0 < LOW < HIGH"
        )
    return math.log(low), math.log(high)


def choose(arm: str, tried: Sequence[Candidate], rows: Iterable[Row], score: str) -> Choice:
    """The candidate whose mean over the tuning seeds is best; a seed without a number makes it the worst.

    rows: the tuning jobs of one setting. Raises BadInput where no candidate has a number.
    """
    jobs, sign = list(rows), -1.0 if larger_is_better(score) else 1.0
    means: list[float] = []
    for candidate in tried:
        values = [score_of(job, arm, score) for job in jobs if all(str(job.get(k)) == v for k, v in candidate.items())]
        known = [float(value) for value in values if value is not None]
        means.append(sign * sum(known) / len(known) if known and len(known) == len(values) else math.inf)
    best = min(range(len(tried)), key=lambda k: means[k], default=0)
    if not means or math.isinf(means[best]):
        raise BadInput(
            f"study: no candidate of the arm {arm} has a {score} on every tuning seed; allowed: other values"
        )
    return Choice(arm, tried[best], sign * means[best], len(tried), tuple(_edges(tried[best], tried)))


def choices(
    rows: Sequence[Row], swept: Sequence[str], arms: Sequence[str], phase: str, keys: Sequence[str] = ()
) -> list[Choice]:
    """What the arms were judged with in each setting, as the rows of a sweep tell.

    phase: the column that says what a job was for; keys: those that tell settings apart.
    """
    found = []
    for setting in _distinct(rows, keys):
        mine = [row for row in rows if all(str(row.get(key)) == value for key, value in setting.items())]
        tuning, judged = ([row for row in mine if row.get(phase) == wanted] for wanted in (TUNING, JUDGING))
        for arm in arms:
            fields = [key for key in swept if key.startswith(f"arms.{arm}.")]
            tried = _distinct(tuning, fields)
            for one in _distinct(judged, fields) if fields and tried else ():
                found.append(Choice(arm, one, None, len(tried), tuple(_edges(one, tried)), setting))
    return found


def _distinct(rows: Iterable[Row], fields: Sequence[str]) -> list[Candidate]:
    """The values of some fields in rows, each combination once, in the order in which they are met."""
    seen = dict.fromkeys(tuple((field, str(row.get(field))) for field in fields) for row in rows)
    return [dict(values) for values in seen]


def _edges(chosen: Candidate, tried: Sequence[Candidate]) -> Iterable[str]:
    for key, value in chosen.items():
        try:
            values = sorted({float(other[key]) for other in tried})
        except ValueError:  # of words there is no largest
            continue
        if float(value) in (values[0], values[-1]):
            yield key
