"""sweep.html: all jobs of a sweep in a table that sorts and filters, their scores at a glance, and the grid picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from urllib.parse import quote

from hl_cli.reporting.html.page import write_page
from hl_cli.reporting.html.sortable import Cell, Sortable, cell
from hl_cli.reporting.html.sweep_curves import curves as all_curves
from hl_cli.reporting.html.sweep_figures import Row, empty, number, sections
from hl_cli.reporting.parts import Parts
from hl_cli.reporting.sections import Section, made
from hl_cli.reporting.sweep_table import arms_of, label_of, ranked, score_of
from hl_cli.reporting.task_sweep import of_arm

STATUS = {"done": "good", "diverged": "bad", "failed": "bad", "skipped": "plain", "missing": "fair"}
VERDICT = {"identical": "good", "round_off": "good", "different": "fair", "diverged": "bad", "undecided": "plain"}
FIXED = (
    "job",
    "verdict",
    "main",
    "judged_by",
    "max_abs_weight_difference",
    "diverged",
    "folder",
    "status",
    "error",
    "config_hash",
)
LETTERS = 8  # of a hash
MANY = 1e7  # from here on a number has an exponent
NUMBERS = ("_loss", "_accuracy", "_mae", "_r2", "_error", "_skill", "_character", "_second", "_difference")  # ends


def write_sweep_page(
    folder: Path,
    rows: Sequence[Row],
    parts: Parts,
    picture: Path | None = None,
    command: str = "",
    columns: Sequence[str] = (),
    study: Sortable | None = None,
    curves: Callable[[], Section | None] | None = None,
) -> None:
    """Write the page of the jobs into the folder of their sweep.

    rows: of sweep.csv, a dict a job; a key that a job lacks, None and "" are empty cells. columns: their order; those
    of the rows where none is given. picture: the grid figure; command: what started the sweep; study: what repetitions
    say; curves: the section of the curves, by default with a line a job.
    """
    names = list(columns) or list(dict.fromkeys(key for row in rows for key in row))
    own = tuple(f"{arm}_" for arm in arms_of(rows))
    choices = [name for name in names if name not in FIXED and not name.startswith(own)]
    first = ("job", *choices, "status", "verdict", "diverged", "error")  # what went wrong is seen without scrolling
    ordered = [*(name for name in first if name in names), *(name for name in names if name not in first)]
    shown = [name for name in ordered if any(not empty(row.get(name)) for row in rows)]

    def drawn() -> Section | None:
        return all_curves(folder, rows, choices, {}, choices, picture)

    write_page(
        folder / "sweep.html",
        "sweep.html.j2",
        parts,
        title=f"Sweep of {len(rows)} job{'s' if len(rows) != 1 else ''}",
        headline=lambda: _headline(rows),
        tone="good" if rows and all(row["status"] == "done" and not row.get("diverged") for row in rows) else "fair",
        words=lambda: _words(rows),
        overview=lambda: _overview(rows, names),
        sections=made(sections(rows, choices, curves or drawn), parts),
        study=study,
        jobs=lambda: _jobs(folder, rows, shown),
        command_line=command,
    )  # fmt: skip


def _jobs(folder: Path, rows: Sequence[Row], shown: Sequence[str]) -> Sortable:
    heads = [(name.replace("_", " "), _numeric(rows, name)) for name in shown]
    cells = [(str(row["status"]), [_cell(folder, row, name) for name in shown]) for row in ranked(rows)]
    return Sortable("jobs", "Jobs", heads, cells, "status", "jobs", hint="filter: rnn gd_a", file="sweep.csv")


def _numeric(rows: Sequence[Row], name: str) -> bool:
    values = [row.get(name) for row in rows if not empty(row.get(name))]
    return bool(values) and all(number(value) is not None for value in values)


def _count(words: Sequence[str]) -> str:
    return ", ".join(f"{words.count(word)} {word}" for word in dict.fromkeys(words))


def _headline(rows: Sequence[Row]) -> str:
    said = _count([str(row["status"]) for row in rows]).replace("_", " ")
    return f"{len(rows)} job{'s' if len(rows) != 1 else ''}: {said}" if rows else "No jobs"


def _words(rows: Sequence[Row]) -> list[str]:
    """What the statuses do not say: the verdicts, and what went wrong."""
    judged = [str(row["verdict"]) for row in rows if not empty(row.get("verdict"))]
    said = [f"Verdicts: {_count(judged).replace('round_off', 'round-off')}."] if judged else []
    gone = [row for row in rows if not empty(row.get("diverged"))]
    said += [f"An arm diverged in {len(gone)} of {len(rows)} jobs; the column diverged names it."] * bool(gone)
    wrong = [row for row in rows if not empty(row.get("error")) and row["status"] != "skipped"]
    return said + [f"Job {row['job']} {row['status']}: {row['error']}" for row in wrong[:10]]


def _overview(rows: Sequence[Row], names: Sequence[str]) -> list[list[str]]:
    """Median, least and largest of each number that the arms have, and of the weight difference."""
    arms = arms_of(rows)
    table = [["", *(label_of(rows, arm) for arm in arms)]]
    scores = dict.fromkeys(of[1] for name in names if (of := of_arm(name, arms)))
    for score in scores:
        found = [[number(score_of(row, arm, score)) for row in rows] for arm in arms]
        if any(value is not None for of in found for value in of):
            table.append([score.replace("_", " "), *map(_spread, found)])
    apart = [number(row.get("max_abs_weight_difference")) for row in rows]
    if any(value is not None for value in apart):
        table.append(["largest weight difference", _spread(apart), *[""] * (len(arms) - 1)])
    return table


def _spread(values: Sequence[float | None]) -> str:
    found = [value for value in values if value is not None]
    if not found:
        return ""
    middle, least, most = (_said(of(found)) for of in (median, min, max))
    return middle if least == most else f"{middle} ({least} to {most})"


def _said(value: float) -> str:
    return f"{value:,.0f}" if 1000 <= abs(value) < MANY else f"{value:.4g}"


def _cell(folder: Path, row: Row, name: str) -> Cell:
    value = row.get(name)
    if empty(value):
        return cell("", "")
    found = None if isinstance(value, str) and not name.endswith(NUMBERS) else number(value)
    shown = cell(str(value) if found is None or isinstance(value, int) else _said(found), value)
    if name in ("status", "verdict"):
        shown["tone"] = (STATUS if name == "status" else VERDICT).get(str(value), "plain")
    elif name == "error":
        shown["kind"] = "words"
    elif name == "config_hash":
        shown["text"] = str(value)[:LETTERS]
    elif name == "folder" or (name == "job" and not empty(row.get("folder"))):
        page = Path(str(row["folder"])) / "report.html"
        inside = folder / page
        if inside.exists():
            shown["link"] = quote(page.as_posix()) if not page.is_absolute() else inside.as_uri()
    if found is not None and name != "job":
        shown["kind"] = "number"
    return shown
