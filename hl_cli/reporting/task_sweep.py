"""The columns of sweep.csv in a sweep of a task, in place of those of side-by-side runs.

job                        number of the job in its sweep
<a column a swept key>     as in the command: seed, data, lr, ...
<arm>_<measure>            of each arm or method: its number, or the median over the replicates of the job
folder, status, error, config_hash
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

LABEL = "label of "
TASK = "task"  # in every row of such a sweep
Row = dict[str, Any]


def scores_of_task(summary: Mapping[str, Any]) -> Row:
    """The numbers of a task that are columns of the table, from its summary; none of one that was stopped."""
    arms = summary.get("arms") or summary.get("methods") or ()
    row: Row = {LABEL + arm: arm for arm in arms}
    for name in dict.fromkeys(name for arm in arms for name in summary[arm]):
        row |= {f"{arm}_{name}": found for arm in arms if (found := _middle(summary[arm].get(name))) is not None}
    return row


def _middle(value: Any) -> float | None:
    """A number, or the middle one of quartiles; None for what is neither, and for what is not finite."""
    if isinstance(value, list | tuple) and len(value) == 3:
        value = value[1]
    number = isinstance(value, float | int) and not isinstance(value, bool) and math.isfinite(value)
    return value if number else None


def columns_of_task(rows: Sequence[Row], swept: Sequence[str], arms: Sequence[str]) -> list[str]:
    """All columns in their order: each measure with all arms, in the order in which they are met."""
    found = dict.fromkeys(key for row in rows for key in row if of_arm(key, arms) and key not in swept)
    return ["job", *swept, *found, "folder", "status", "error", "config_hash"]


def of_arm(column: str, arms: Sequence[str]) -> tuple[str, str] | None:
    """The arm of a column and its score; None for a column of no arm. An arm's name may begin with that of another.

    >>> of_arm("nhf_fixed_bound", ["nhf", "nhf_fixed"]), of_arm("status", ["nhf"])
    (('nhf_fixed', 'bound'), None)
    """
    of = [arm for arm in arms if column.startswith(f"{arm}_")]
    arm = max(of, key=len, default=None)
    return None if arm is None else (arm, column.removeprefix(f"{arm}_"))


def by_arm(rows: Sequence[Row], swept: Sequence[str], arms: Sequence[str]) -> list[list[Any]]:
    """Header and a row a job and arm, for readers; a job without numbers has one row. That of sweep.csv is wide."""
    found = [of for key in dict.fromkeys(key for row in rows for key in row) if (of := of_arm(key, arms))]
    measures = list(dict.fromkeys(score for _, score in found))
    wrong = any(row["error"] for row in rows)
    table: list[list[Any]] = [["job", *swept, "arm", *measures, "status", *(["error"] if wrong else [])]]
    for row in rows:
        end = [row["status"], *([row["error"]] if wrong else [])]
        own = [arm for arm in arms if LABEL + arm in row]
        for arm in own or [""]:
            numbers = [row.get(f"{arm}_{measure}") for measure in measures]
            table.append([row["job"], *(row[key] for key in swept), arm, *numbers, *end])
    return table
