"""report.md: a page that says what was compared, what came out, and how to run it again.

Each block of the template is a part of its own: one that fails is left out, and named at the top.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from hl_cli.compare.differences import TensorDistance
from hl_cli.compare.forgetting import Retention
from hl_cli.reporting import facts, markdown
from hl_cli.reporting.console import cumulative, remark, retention, table
from hl_cli.reporting.own_units import own_units
from hl_cli.reporting.parts import Parts, not_written, rendered
from hl_cli.reporting.sections import Making
from hl_cli.reporting.thousands import thousands


def report_text(
    folder: Path,
    title: str,
    summary: dict[str, Any],
    tensors: dict[str, list[TensorDistance]],
    kept: dict[str, Retention],
    observed: Sequence[Making],
    parts: Parts,
) -> str:
    """Fill the template beside this file; every value is escaped, so that none is Markdown or HTML.

    observed: sections of the observers, each a part of its own.
    """
    pages = Environment(
        loader=PackageLoader("hl_cli.reporting", "."),
        undefined=StrictUndefined,
        finalize=markdown.escape,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )

    def picture(name: str, about: str) -> markdown.Markdown:
        return markdown.Markdown(f"![{about}]({name})\n\n" if (folder / name).exists() else "")

    labels = summary["labels"]
    content = {
        "title": title,
        "summary": summary,
        "tensors": tensors,
        "tasks": {labels[name]: retained for name, retained in kept.items() if retained.scores},
        "failed": lambda: not_written(parts.failed),
        "picture": picture,
        "table": markdown.table,
        "code": markdown.code,
        "rows": table,
        "thousands": lambda: thousands(folder, labels),
        "generated": lambda of: facts.generated(of, labels),
        "compared": lambda of: [["", ""], *facts.compared(of), *_machine(of)],
        "weights": lambda of: facts.weights(of, summary),
        "judged": [name for name in summary["arms"] if "verdict" in summary[name]],
        "theory": next((label for name, label in labels.items() if summary[name]["coefficients"]), "no arm"),
        "periods": facts.periods,
        "blocks": facts.blocks,
        "retention": retention,
        "cumulative": cumulative,
        "own_units": own_units,
        "remark": remark,
        "observed": [made for name, make in observed if (made := parts.make(f"{name} in report.md", make, None))],
    }
    return "".join(rendered(pages, "report.md.j2", content, parts, "report.md").values())


def _machine(summary: dict[str, Any]) -> facts.Rows:
    threads, versions = summary["threads"], summary["versions"]
    said = f"{summary['device']}, {threads} thread{'s' if threads != 1 else ''}"
    return [["machine", f"{said}, torch {versions['torch']}, Python {versions['python']}"]]
