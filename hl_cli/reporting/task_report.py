"""report.md and report.html of a task: a title, words about it, sections, and the command."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hl_cli.reporting import markdown
from hl_cli.reporting.html.page import write_page
from hl_cli.reporting.parts import Parts
from hl_cli.reporting.sections import Section
from hl_cli.reporting.whole import write_text


def write_pages(folder: Path, title: str, words: Sequence[str], of: Sequence[Section], command: str) -> dict[str, str]:
    """Both pages; returns what of them failed, in words."""
    parts = Parts(str)
    body = [f"# {title}", *(f"{line}" for line in words)]
    for section in of:
        body += [f"## {section.title}", section.words]
        body += [markdown.table(section.table, section.numbers)] if section.table else []
        body += [f"![{about}]({picture.name})" for picture, about in section.pictures if picture.exists()]
    body += ["## Again", markdown.code(command)]
    parts.run(
        [
            ("report.md", lambda: write_text(folder / "report.md", "\n\n".join(body) + "\n")),
            (
                "report.html",
                lambda: write_page(
                    folder / "report.html", "task.html.j2", parts, title=title, words=words, sections=of,
                    command_line=command,
                ),
            ),
        ]
    )  # fmt: skip
    return parts.failed
