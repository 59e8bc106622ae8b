"""sweep.csv and sweep.md: a row a job of a sweep.

The columns of sweep.csv, in their order:

    job                        number of the job in its sweep
    <a column a swept key>     as in the command: model, split, scenario.lr, ...
    verdict                    of the run: identical, round_off, different, diverged, undecided
    <arm>_final_loss           of each arm: hl_final_loss, pytorch_final_loss
    <arm>_<metric>             scores over the last steps, for each metric of any of the streams
    <arm>_cumulative_loss, <arm>_cumulative_<metric>   prequential: over all steps, each before it was learnt
    <arm>_held_out_loss, <arm>_held_out_<metric>
    <arm>_<name>               what observers tell at the end: last_thousand_<metric>, forgetting, credit_cosine, ...
    main                       the metric by which the stream is judged: accuracy, r2, ...
    judged_by                  the score that ranks jobs: cumulative_<main> on a stream, held_out_<main> on a set
    max_abs_weight_difference  the largest at any compared step
    diverged                   the arms that diverged, each with its last step: adam:37 hl:90; their scores are of the
                               steps before it
    <arm>_steps_per_second
    folder                     of the job, within that of the sweep
    status                     done, diverged, failed, skipped, missing
    error                      why it failed, was skipped or is missing, in one line
    config_hash                of the job's resolved config

A sweep of a task has other columns: `hl_cli.reporting.task_sweep`.

A cell is empty where there is no number; a text that a spreadsheet would take for a formula begins with '. `sweep.html`
and `sweep.png` are made of the same rows.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

from hl_cli.reporting.cells import as_cell
from hl_cli.reporting.markdown import table
from hl_cli.reporting.sweep_pivot import pivot
from hl_cli.reporting.task_sweep import LABEL, TASK, by_arm, columns_of_task, scores_of_task
from hl_cli.reporting.whole import write_whole

LEARNERS = ("hl", "pytorch")
WEIGHTS = "weights of "
OLD_LABELS = {"hl": "HL", "pytorch": "PyTorch"}  # of jobs that were recorded without labels
LOWER = ("loss", "mae", "power_error", "bits_per_character", "forgetting")  # scores that are better when smaller
Row = dict[str, Any]


def scores_of(summary: dict[str, Any]) -> Row:
    """The numbers of a run that are columns of the table, from its summary."""
    if TASK in summary:
        return scores_of_task(summary)
    metrics = summary["metrics"]
    over = [f"{of}_{metric}" for of in ("cumulative", "held_out") for metric in ("loss", *metrics)]
    names = ["final_loss", *metrics, *over, *summary.get("observed", ())]
    row = {
        "verdict": summary["verdict"],
        "reference": summary["reference"],
        **{LABEL + arm: label for arm, label in summary["labels"].items()},
        **{f"{learner}_{name}": summary[learner].get(name) for name in names for learner in summary["arms"]},
        **{WEIGHTS + arm: summary[arm].get("weights") for arm in summary["arms"]},
        "main": summary["main"],
        "judged_by": f"{'held_out' if summary['stream']['shuffled'] else 'cumulative'}_{summary['main']}",
        "max_abs_weight_difference": summary["max_abs_weight_difference"],
        "diverged": " ".join(f"{one['learner']}:{one['step']}" for one in summary["diverged"]),
        **{f"{learner}_steps_per_second": summary[learner].get("steps_per_second") for learner in summary["arms"]},
    }
    return {key: None if isinstance(value, float) and not math.isfinite(value) else value for key, value in row.items()}


def diverged_at(row: Mapping[str, Any]) -> dict[str, int]:
    """The arms of a job that diverged, and at which step."""
    pairs = (one.rpartition(":") for one in str(row.get("diverged") or "").split())
    return {arm: int(step) for arm, _, step in pairs}


def score_of(row: Mapping[str, Any], arm: str, score: str) -> Any:
    """A score of an arm; none of one that diverged: what it has is of the steps before."""
    return None if arm in diverged_at(row) else row.get(f"{arm}_{score}")


def larger_is_better(score: str) -> bool:
    """Whether a score is better when it is larger; score: without the arm, such as held_out_accuracy."""
    return not score.endswith(LOWER)


def ranked(rows: Sequence[Row]) -> list[Row]:
    """The rows for a reader: on a stream the best prequential score of any arm comes first, jobs without one last.

    Jobs that are judged by different scores, or on sets, whose order is that of the command, stay as they are.
    """
    scores = {row["judged_by"] for row in rows if row.get("judged_by")}
    if len(scores) != 1 or not (score := scores.pop()).startswith("cumulative"):
        return list(rows)

    def best(row: Row) -> float:
        found = [row[key] for arm in arms_of(rows) if isinstance(row.get(key := f"{arm}_{score}"), float | int)]
        return max(found, default=-math.inf)

    return sorted(rows, key=best, reverse=True)


def arms_of(rows: Sequence[Row]) -> list[str]:
    """The arms of all jobs, in the order in which they are met; of runs the usual two where no job has any yet."""
    if any(TASK in row for row in rows):
        return list(dict.fromkeys(key.removeprefix(LABEL) for row in rows for key in row if key.startswith(LABEL)))
    ends = "_final_loss"
    found = dict.fromkeys(key.removesuffix(ends) for row in rows for key in row if key.endswith(ends))
    return list(found) or list(LEARNERS)


def label_of(rows: Iterable[Row], arm: str) -> str:
    """What the pictures of the runs call an arm; its own name where the jobs do not agree, or say nothing."""
    found = {row[LABEL + arm] for row in rows if LABEL + arm in row}
    return str(found.pop()) if len(found) == 1 else OLD_LABELS.get(arm, arm) if not found else arm


def columns(rows: Sequence[Row], swept: Sequence[str]) -> list[str]:
    """All columns in their order; metrics that only some streams have stand where they are in their rows."""
    arms = arms_of(rows)
    if any(TASK in row for row in rows):
        return columns_of_task(rows, swept, arms)
    pairs = [f"{arm}_{name}_loss" for name in ("final", "cumulative", "held_out") for arm in arms]
    known = dict.fromkeys(key for row in rows for key in row if key.startswith(tuple(f"{arm}_" for arm in arms)))
    known = dict.fromkeys(key for key in known if key not in swept)
    scores = [key for key in dict.fromkeys((*pairs, *known)) if not key.endswith("steps_per_second")]
    over = {word: [key for key in scores if word in key] for word in ("cumulative", "held_out")}
    running = [key for key in scores if not any(key in keys for keys in over.values())]
    speed = [f"{arm}_steps_per_second" for arm in arms]
    last = ["folder", "status", "error", "config_hash"]
    return ["job", *swept, "verdict", *running, *over["cumulative"], *over["held_out"], "main", "judged_by",
            "max_abs_weight_difference", "diverged", *speed, *last]  # fmt: skip


def write_tables(folder: Path, rows: Sequence[Row], swept: Sequence[str]) -> None:
    """Write both files, each whole or not at all."""
    header = columns(rows, swept)

    lines = StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    writer.writerow(map(as_cell, header))
    writer.writerows([as_cell(row.get(key)) for key in header] for row in rows)
    write_whole(folder / "sweep.csv", lines.getvalue().encode())
    write_whole(folder / "sweep.md", _page(rows, header, swept).encode())


def tally(rows: Sequence[Row]) -> str:
    """How many jobs ended how: 36 jobs: 34 done, 1 diverged, 1 failed."""
    counts = {
        status: sum(row["status"] == status for row in rows) for status in dict.fromkeys(r["status"] for r in rows)
    }
    return f"{len(rows)} jobs: " + ", ".join(f"{count} {status}" for status, count in counts.items())


def shown_by_arm(rows: Sequence[Row], swept: Sequence[str]) -> list[list[str]]:
    """Header and rows of a sweep of a task, for readers."""
    head, *found = by_arm(rows, swept, arms_of(rows))
    return [[name.replace("_", " ") for name in head], *([cell(value) for value in row] for row in found)]


def _page(rows: Sequence[Row], header: Sequence[str], swept: Sequence[str]) -> str:
    if any(TASK in row for row in rows):
        return "\n".join(["# Sweep", "", tally(rows), "", table(shown_by_arm(rows, swept))]) + "\n"
    shown = [key for key in header if any(row.get(key) not in (None, "") for row in rows) or key == "status"]
    lines = [
        "# Sweep",
        "",
        tally(rows),
        "",
        table(
            [[key.replace("_", " ") for key in shown], *([cell(row.get(key)) for key in shown] for row in ranked(rows))]
        ),
    ]
    differences = pivot(rows, swept, "max_abs_weight_difference")
    if differences:
        lines += ["", "## Largest weight differences", "", table([[cell(one) for one in row] for row in differences])]
    return "\n".join(lines) + "\n"


def cell(value: Any) -> str:
    """A number as people read it; exact ones are in sweep.csv."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:,.0f}" if math.isfinite(value) and abs(value) >= 1000 else f"{value:.4g}"
    return str(value)
