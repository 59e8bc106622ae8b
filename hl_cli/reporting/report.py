"""report.md: a page that says what was compared, what came out, and how to run it again.

Each block of the template is a part of its own: one that fails is left out, and named at the top.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from hl_cli.compare.differences import TensorDistance
from hl_cli.reporting import facts, markdown
from hl_cli.reporting.console import cumulative, remark, table
from hl_cli.reporting.own_units import own_units
from hl_cli.reporting.parts import Parts, not_written, rendered
from hl_cli.reporting.sections import Section


@cache
def _pages() -> Environment:
    """The template, compiled once in a process."""
    return Environment(
        loader=PackageLoader("hl_cli.reporting", "."),
        undefined=StrictUndefined,
        finalize=markdown.escape,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def report_text(
    title: str,
    summary: dict[str, Any],
    tensors: dict[str, list[TensorDistance]],
    sections: Sequence[Section],
    parts: Parts,
) -> str:
    """Fill the template beside this file; every value is escaped, so that none is Markdown or HTML."""

    def picture(file: Path, about: str) -> markdown.Markdown:
        return markdown.Markdown(f"![{about}]({file.name})\n\n" if file.exists() else "")

    content = {
        "title": title,
        "summary": summary,
        "tensors": tensors,
        "failed": lambda: not_written(parts.failed),
        "picture": picture,
        "table": markdown.table,
        "code": markdown.code,
        "rows": table,
        "compared": lambda of: [["", ""], *facts.compared(of), *_machine(of)],
        "weights": lambda of: facts.weights(of, summary),
        "judged": [name for name in summary["arms"] if "verdict" in summary[name]],
        "cumulative": cumulative,
        "own_units": own_units,
        "remark": remark,
        "sections": sections,
    }
    return "".join(rendered(_pages(), "report.md.j2", content, parts, "report.md").values())


def _machine(summary: dict[str, Any]) -> facts.Rows:
    threads, versions = summary["threads"], summary["versions"]
    said = f"{summary['device']}, {threads} thread{'s' if threads != 1 else ''}"
    return [["machine", f"{said}, torch {versions['torch']}, Python {versions['python']}"]]
