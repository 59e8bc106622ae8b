"""report.md: a page that says what was compared, what came out, and how to run it again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from hl_cli.compare.differences import TensorDistance
from hl_cli.compare.forgetting import Retention
from hl_cli.reporting.console import NAMES, cumulative, remark, retention, table
from hl_cli.reporting.thousands import thousands


def write_report(
    folder: Path, title: str, summary: dict[str, Any], tensors: list[TensorDistance], kept: dict[str, Retention]
) -> None:
    """Fill the template beside this file."""
    pages = Environment(
        loader=PackageLoader("hl_cli.reporting", "."), undefined=StrictUndefined, keep_trailing_newline=True
    )
    tasks = {NAMES[name]: retained for name, retained in kept.items() if retained.scores}
    text = pages.get_template("report.md.j2").render(
        title=title,
        summary=summary,
        c=summary["coefficients"],
        rows=table(summary),
        thousands=thousands(folder, NAMES),
        tensors=tensors,
        tasks=tasks,
        retention=retention(summary),
        cumulative=cumulative(summary),
        remark=remark(summary),
    )
    (folder / "report.md").write_text(text)
