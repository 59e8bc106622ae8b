"""Texts of strangers in what a run and a sweep write: names, origins and messages are text, whoever shows them."""

from __future__ import annotations

import csv
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import markdown
import pytest

from hl_cli.reporting.markdown import escape
from hl_cli.reporting.sweep_table import write_tables
from tests.process import summary_of

PAYLOADS = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[click](javascript:alert(1))",
    "![x](https://example.org/x.png)",
    "[x][y]\n\n[y]: javascript:alert(1)",
    "<javascript:alert(1)>",
    "a|b`c`*d* _e_ ~~f~~ $g$ &lt; \\",
    "one\n\n# two\n\n- three",
    "&#106;avascript:x",
)
FORMULAS = ("=1+1", "+x", "-x", "@SUM(A1)", "=cmd|' /C calc'!A0")
STREAM = """
import hl_cli, torch
class Wild(hl_cli.Stream):
    ticks, features, task, period = 1, 4, hl_cli.Task("classes", 2), 10
    def __init__(self, batch_size, seed, dtype, device, words=()):
        self.words, self.batch, self.given = list(words), batch_size, 0
        self.origin, self.licence = " ".join(self.words), self.words[0]
    def draw(self, rows):
        x = torch.randn((rows, 1, 4), generator=torch.Generator().manual_seed(self.given))
        return hl_cli.Sample(x, (x.sum((1, 2)) > 0).long())
    def __next__(self):
        self.given += 1
        return self.draw(self.batch)
    def held_out(self):
        return self.draw(50)
    def held_out_tasks(self):
        return {word: self.draw(50) for word in self.words}
    def current_task(self):
        return self.words[self.given % 2]
    def state_dict(self):
        return {"given": self.given}
    def load_state_dict(self, state):
        self.given = state["given"]
"""


class Tags(HTMLParser):
    """What a browser would see of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.addresses: set[str] = set()
        self.said = ""
        self.feed(markdown.markdown(text, extensions=["tables", "fenced_code"]))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.addresses |= {value or "" for name, value in attrs if name in ("src", "href")}
        assert not any(name.startswith("on") for name, _ in attrs)

    def handle_data(self, data: str) -> None:
        self.said += data


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_text_is_shown_as_it_is(payload: str) -> None:
    seen = Tags(f"before {escape(payload)} after")
    assert seen.tags <= {"p"} and not seen.addresses
    shown = seen.said.replace("\\~", "~").replace("\\$", "$").replace("\\|", "|")  # signs of GitHub's Markdown alone
    assert shown == f"before {' '.join(payload.split())} after"


def test_a_sweep_shows_texts_and_no_formula(tmp_path: Path) -> None:
    words = (*PAYLOADS, *FORMULAS)
    rows: list[dict[str, Any]] = [
        {"job": k, "stream.target": word, "verdict": "identical", "hl_final_loss": -0.5, "pytorch_final_loss": None,
         "max_abs_weight_difference": 0.0, "folder": "here", "status": "failed", "error": word, "config_hash": "ab"}
        for k, word in enumerate(words)
    ]  # fmt: skip
    for row in rows:
        row["steps"] = "-1" if row["job"] else "5"
    write_tables(tmp_path, rows, ["stream.target", "steps"])
    seen = Tags((tmp_path / "sweep.md").read_text())
    assert not seen.addresses and seen.tags <= {"h1", "h2", "p", "table", "thead", "tbody", "tr", "th", "td"}
    assert all(" ".join(word.split())[:8] in seen.said for word in words)
    with (tmp_path / "sweep.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    for row, word in zip(table, words, strict=True):
        assert row["stream.target"] == row["error"] == (f"'{word}" if word in FORMULAS else word)
        assert row["hl_final_loss"] == "-0.5" and row["steps"] in ("5", "-1")


def test_a_report_shows_texts(invoke: Any, tmp_path: Path) -> None:
    (tmp_path / "wild_stream.py").write_text(STREAM)
    words = [word for word in (*PAYLOADS, FORMULAS[0]) if "\n" not in word]
    listed = ",".join(f"'{word}'" for word in words if "'" not in word and "\\" not in word)
    code, _, err = invoke(
        "stream=wild_stream:Wild", "steps=25", "eval_every=0", "hydra.run.dir=run", f"+stream.options.words=[{listed}]"
    )
    assert (code, err) == (0, "") and summary_of(tmp_path / "run")["tasks"]
    text = (tmp_path / "run" / "report.md").read_text()
    seen = Tags(text)
    assert not seen.tags & {"script", "a", "em", "del"}
    pictures = {path.name for path in (tmp_path / "run").glob("*.png")}
    assert seen.addresses == pictures and {"curves.png", "tasks.png"} <= pictures
    for word in PAYLOADS[:4]:
        assert word in seen.said
    with (tmp_path / "run" / "tasks.csv").open(newline="") as file:
        tasks = {row["task"] for row in csv.DictReader(file)}
    assert f"'{FORMULAS[0]}" in tasks and PAYLOADS[0] in tasks
