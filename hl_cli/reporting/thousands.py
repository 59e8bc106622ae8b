"""How a run without end is told: a table of the scores of each thousand steps by itself, from thousands.csv.

Steps are test-then-train: a prediction is scored before its weights learn of the target.
"""

from __future__ import annotations

from pathlib import Path

from hl_cli.compare.tally import LEARNERS
from hl_cli.reporting.tables import read

MOST_ROWS = 20


def thousands(folder: Path, names: dict[str, str]) -> list[list[str]]:
    """Header and rows for the report, at most MOST_ROWS of them, evenly spread and with the last."""
    columns = read(folder / "thousands.csv")
    count = len(columns["last_step"])
    metrics = [metric for metric in ("loss", "accuracy", "r2", "power_error", "skill") if f"hl_{metric}" in columns]
    every = -(-count // MOST_ROWS)
    header = [f"{metric.replace('_', ' ')}, {names[learner]}" for metric in metrics for learner in LEARNERS]
    rows = [["steps", *header]]
    for k in range((count - 1) % every if count else 0, count, every or 1):
        values = [columns[f"{learner}_{metric}"][k] for metric in metrics for learner in LEARNERS]
        span = f"{columns['first_step'][k]:.0f} to {columns['last_step'][k]:.0f}"
        rows.append([span, *("-" if v != v else f"{v:.4g}" for v in values)])
    return rows
