"""report.html and sweep.html in a browser: no complaint, no request, values under the mouse, a table that sorts."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hl_cli.config.messages import format_error
from hl_cli.reporting.html.sweep import write_sweep_page
from hl_cli.reporting.parts import Parts
from hl_cli.studies.board import sortable
from hl_cli.studies.study import study_of
from tests.browser import CHROMIUM, Browser
from tests.warm import hl_run

ROWS: list[dict[str, Any]] = [
    {"job": 0, "model": "mlp", "lr": "0.1", "verdict": "identical", "hl_final_loss": 0.5, "pytorch_final_loss": 0.5},
    {"job": 1, "model": "rnn", "lr": "1e38", "verdict": "diverged", "hl_final_loss": 9e35, "pytorch_final_loss": None},
    {"job": 2, "model": "mlp", "lr": "0.02", "verdict": "identical", "hl_final_loss": 12.5, "pytorch_final_loss": 12.5},
    {"job": 3, "model": "<b>", "lr": "0.3", "verdict": None, "hl_final_loss": None, "pytorch_final_loss": None},
]
STUDY: list[dict[str, Any]] = [
    {"seed": str(seed), "lr": lr, "status": "done", "reference": "pytorch", "pytorch_final_loss": 2.0 + seed,
     "hl_final_loss": 2.0 + seed, "adam_final_loss": float(lr) + seed, "adam_accuracy": 0.5,
     "diverged": "adam:7" * (lr == "9" and seed == 2)}
    for lr in ("1", "9") for seed in range(3)
]  # fmt: skip
RUN = "one #1%20"  # a name that an address must quote
STATUS = ("done", "diverged", "done", "failed")
DEEP = """(function text(root) {
  return [...root.querySelectorAll("*")].filter((e) => e.shadowRoot).map((e) => text(e.shadowRoot)).join("")
    + (root === document ? "" : root.textContent); })(document)"""
SHOWN = (
    "[...document.querySelectorAll('#jobs table tbody tr')].filter((r) => !r.hidden).map((r) => r.cells[0].textContent)"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that differs, and the page of a sweep with every kind of row."""
    here = tmp_path_factory.mktemp("pages")
    said = hl_run(here, "integrator=explicit_euler", "steps=40", "log_every=4", f"hydra.run.dir='{RUN}'")
    assert said.returncode == 0, said.stderr
    rows = [row | {"status": status, "folder": "", "error": ""} for row, status in zip(ROWS, STATUS, strict=True)]
    rows[0]["folder"], rows[3]["error"] = RUN, "no such thing: <script>alert(1)</script>"
    parts = Parts(format_error)
    study = sortable(study_of(STUDY, ["lr", "seed"], ["hl", "pytorch", "adam"]), "final_loss")
    write_sweep_page(here, rows, parts, here / RUN / "curves.png", "hl-run -m lr=1,2", study=study)
    assert not parts.errors
    return here


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not CHROMIUM:
        pytest.skip("no Chromium is installed")
    with Browser() as opened:
        yield opened


def opened(browser: Browser, page: Path) -> None:
    browser.open(page)
    browser.wait("document.documentElement.dataset.drawn")


def test_the_differences_of_the_tensors_over_time(folder: Path) -> None:
    with (folder / RUN / "tensor_difference.csv").open() as file:
        table = list(csv.DictReader(file))
    with (folder / RUN / "weights.csv").open() as file:
        weights = {row["tensor"]: row["max_abs"] for row in csv.DictReader(file)}
    with (folder / RUN / "weight_difference.csv").open() as file:
        largest = {row["step"]: float(row["max_abs"]) for row in csv.DictReader(file)}
    assert len(table) == 11 and table[-1] == {"step": "40", **weights}
    for row in table:
        assert max(float(value) for name, value in row.items() if name != "step") == largest[row["step"]] > 0
    assert (folder / RUN / "tensor_difference.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("name", [f"{RUN}/report.html", "sweep.html"])
@pytest.mark.parametrize(("width", "dark"), [(1200, False), (375, True)])
def test_a_page_draws_and_fits(name: str, width: int, dark: bool, folder: Path, browser: Browser) -> None:
    browser.look(width, dark=dark)
    opened(browser, folder / name)
    assert not browser.complaints
    assert {request.partition(":")[0] for request in browser.requests} == {"file", "data"}
    assert sum(request.startswith("file:") for request in browser.requests) == 1  # the page, and nothing beside it
    assert browser.ask("document.documentElement.scrollWidth") == width
    assert browser.ask("document.documentElement.dataset.drawn") == ("dark" if dark else "light")
    assert browser.ask("document.querySelectorAll('.figure').length") >= 1
    empty = "[...document.querySelectorAll('.figure')].filter((e) => !e.firstElementChild).length"
    assert browser.ask(empty) == 0
    assert browser.ask(
        "[...document.querySelectorAll('img[data-of]')].every((e) => e.hidden || !e.dataset.of.match(/curves|physics/))"
    )
    browser.click("#theme")
    browser.wait(f"document.documentElement.dataset.drawn === '{'light' if dark else 'dark'}'")
    assert not browser.complaints


def test_values_are_under_the_mouse(folder: Path, browser: Browser) -> None:
    browser.look(1200)
    page = folder / RUN / "report.html"
    opened(browser, page)
    with (page.parent / "curves.csv").open() as file:
        each = [float(row["hl_loss"]) for row in csv.DictReader(file)]
    losses = {str(k): sum(each[:k]) / k for k in range(1, len(each) + 1)}  # over the last 100, and there are fewer
    said = browser.ask(DEEP)
    assert not re.search(r"step: \d", said)
    x, y = browser.centre("#curves .figure")
    for offset in (0.0, 3.0):
        browser.mouse("mouseMoved", x + offset, y)
    browser.wait(f"/step: *\\d/.test({DEEP})")
    said = browser.ask(DEEP)
    shown = re.search(r"step:\s*(\d+).*?PyTorch[^:]*:\s*([\d.e+-]+)\s*HL[^:]*:\s*([\d.e+-]+)", said, re.DOTALL)
    assert shown, said
    hl = losses[shown[1]]
    assert float(shown[3]) == pytest.approx(hl, rel=1e-4)


def test_the_jobs_sort_and_filter(folder: Path, browser: Browser) -> None:
    browser.look(1200)
    opened(browser, folder / "sweep.html")
    heads = browser.ask("[...document.querySelectorAll('#jobs table th')].map((e) => e.textContent)")
    loss = heads.index("hl final loss") + 1
    assert browser.ask(SHOWN) == ["0", "1", "2", "3"]
    browser.click(f"#jobs table th:nth-child({loss}) button")
    assert browser.ask(SHOWN) == ["0", "2", "1", "3"]  # as numbers, what is empty last
    browser.click(f"#jobs table th:nth-child({loss}) button")
    assert browser.ask(SHOWN) == ["1", "2", "0", "3"]
    browser.click("#jobs .filter")
    browser.call("Input.insertText", text="MLP 0.02")
    assert browser.ask(SHOWN) == ["2"]
    assert browser.ask("document.querySelector('#jobs .count').textContent") == "1 of 4 jobs"
    browser.ask("document.querySelector('#jobs .filter').value = ''")
    browser.ask("document.querySelector('#jobs .group').value = 'failed'")
    browser.ask("document.querySelector('#jobs .group').dispatchEvent(new Event('change'))")
    assert browser.ask(SHOWN) == ["3"]
    assert "no such thing: <script>" in browser.ask("document.querySelector('#jobs').innerText")
    link = browser.ask("document.querySelector('#jobs table a').getAttribute('href')")
    links = browser.ask("document.querySelectorAll('#jobs table a').length")
    assert links == 2  # job and folder of the one that is there
    browser.ask("document.querySelector('#jobs table a').click()")
    browser.wait("document.querySelector('#curves') && document.documentElement.dataset.drawn")
    assert link and not browser.complaints


def test_the_study_sorts_and_begins_with_the_score_that_judges(folder: Path, browser: Browser) -> None:
    browser.look(1200)
    opened(browser, folder / "sweep.html")
    shown = SHOWN.replace("jobs", "study").replace("r.cells[0].textContent", "[...r.cells].map((c) => c.textContent)")
    heads = browser.ask("[...document.querySelectorAll('#study table th')].map((e) => e.textContent)")
    assert heads == ["lr", "arm", "score", "n", "diverged", "mean", "95 % interval", "median", "quartiles",
                     "minus pytorch", "its interval", "won"]  # fmt: skip
    rows = browser.ask(shown)
    assert [row[:3] for row in rows] == [[lr, arm, "final loss"] for lr in "19" for arm in ("hl", "pytorch", "adam")]
    assert rows[2][3:] == ["3", "", "2", "-0.4841, 4.484", "2", "1.5 to 2.5", "-1", "-1, -1", "3 of 3"]
    assert rows[5][3:8] == ["3", "1 of 3", "", "", "10"] and rows[5][-1] == "0 of 3"
    browser.click("#study table th:nth-child(6) button")
    assert [row[5] for row in browser.ask(shown)] == ["2", "3", "3", "3", "3", ""]  # by the mean, none is last
    browser.ask("document.querySelector('#study .group').value = 'accuracy'")
    browser.ask("document.querySelector('#study .group').dispatchEvent(new Event('change'))")
    assert {row[1] for row in browser.ask(shown)} == {"adam"}
    assert len(browser.ask(SHOWN)) == 4 and not browser.complaints  # the other table is as it was


def test_pages_are_good_without_scripts(folder: Path, browser: Browser) -> None:
    browser.look(375, scripts=False)
    for name, pictures in ((f"{RUN}/report.html", 4), ("sweep.html", 1)):
        browser.call("Page.navigate", url=(folder / name).as_uri())
        browser.wait("document.readyState == 'complete'")
        assert browser.ask("location.href") == (folder / name).as_uri()
        seen = "[...document.images].filter((e) => e.complete && e.naturalWidth > 300 && e.offsetWidth > 200).length"
        assert browser.ask(seen) == pictures
        assert browser.ask("document.documentElement.scrollWidth") == 375
        assert browser.ask("document.querySelectorAll('.figures:not([hidden]), button:not([hidden])').length") == 0
    assert browser.ask("document.querySelectorAll('#jobs table tbody tr').length") == len(ROWS)
