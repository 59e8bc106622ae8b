"""The TensorBoard server on a run: it lists the learners, serves both curves under one tag, and the verdict."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.process import ENVIRONMENT, hl_run, summary_of

PATIENCE = 90  # seconds
STEPS = 40


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    here = tmp_path_factory.mktemp("board") / "run"
    said = hl_run(here.parent, f"steps={STEPS}", "log_every=10", "log_histograms=true", "hydra.run.dir=run")
    assert said.returncode == 0, said.stderr
    return here


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[str]:
    """The address of a server on this machine alone, at a port that was free."""
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(folder / "tensorboard"), "--host", "127.0.0.1"]
    with (folder.parent / "said").open("w+") as log:
        process = subprocess.Popen([*command, "--port", "0"], stdout=log, stderr=log, env=ENVIRONMENT)
        try:
            deadline = time.monotonic() + PATIENCE
            while not (found := re.search(r"http://127\.0\.0\.1:\d+/", Path(log.name).read_text())):
                assert process.poll() is None and time.monotonic() < deadline, Path(log.name).read_text()
                time.sleep(0.1)
            yield found[0]
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def ask(server: str, what: str, **query: Any) -> Any:
    address = f"{server}data/{what}?{urllib.parse.urlencode(query)}"
    with urllib.request.urlopen(address, timeout=PATIENCE) as answer:
        return json.load(answer)


def loaded(server: str, what: str, ready: Any) -> Any:
    """What the server answers once it has read the files."""
    deadline = time.monotonic() + PATIENCE
    while not ready(found := ask(server, what)):
        assert time.monotonic() < deadline, found
        time.sleep(0.2)
    return found


def test_both_curves_lie_under_one_tag(folder: Path, server: str) -> None:
    assert set(loaded(server, "runs", lambda runs: len(runs) == 4)) == {"hl", "pytorch", "difference", "report"}
    loaded(server, "plugin/scalars/tags", lambda tags: len(tags) == 3)
    curves = {run: ask(server, "plugin/scalars/scalars", run=run, tag="held_out/accuracy") for run in ("hl", "pytorch")}
    found = summary_of(folder)
    for run, points in curves.items():
        assert [step for _, step, _ in points] == [STEPS]
        assert points[-1][2] == pytest.approx(found[run]["held_out_accuracy"], rel=1e-6)
    tags = ask(server, "plugin/scalars/tags")
    assert set(tags["pytorch"]) < set(tags["hl"])
    assert [step for _, step, _ in ask(server, "plugin/scalars/scalars", run="hl", tag="loss")] == [1, 10, 20, 30, 40]


def test_verdict_figures_and_layout_are_served(folder: Path, server: str) -> None:
    texts = loaded(server, "plugin/text/tags", lambda tags: "report" in tags)
    assert set(texts["report"]) == {"verdict", "report"}
    said = ask(server, "plugin/text/text", run="report", tag="verdict")
    assert "<strong>identical</strong>" in said[0]["text"] and said[0]["step"] == STEPS
    assert "<table>" in ask(server, "plugin/text/text", run="report", tag="report")[0]["text"]
    images = loaded(server, "plugin/images/tags", lambda tags: "report" in tags)["report"]
    assert set(images) == {f"figures/{path.stem}" for path in folder.glob("*.png")}
    [picture] = ask(server, "plugin/images/images", run="report", tag="figures/curves", sample=0)
    with urllib.request.urlopen(
        f"{server}data/plugin/images/individualImage?{picture['query']}", timeout=PATIENCE
    ) as sent:
        assert sent.read() == (folder / "curves.png").read_bytes()
    layout = loaded(server, "plugin/custom_scalars/layout", bool)
    charts = {chart["title"]: chart["multiline"]["tag"] for part in layout["category"] for chart in part["chart"]}
    assert {"loss", "held-out accuracy", "energies", "norms"} <= set(charts)
    tags = {tag for of in ask(server, "plugin/scalars/tags").values() for tag in of}
    for patterns in charts.values():
        assert all(any(re.search(pattern, tag) for tag in tags) for pattern in patterns), patterns


def test_histograms_of_theta_and_omega(server: str) -> None:
    tags = loaded(server, "plugin/histograms/tags", lambda tags: {"hl", "pytorch"} <= set(tags))
    theta = {tag for tag in tags["hl"] if tag.startswith("theta/")}
    assert set(tags["pytorch"]) == theta
    assert {tag.replace("omega/", "theta/") for tag in set(tags["hl"]) - theta} == theta
    points = ask(server, "plugin/histograms/histograms", run="hl", tag="theta/head.weight")
    assert [step for _, step, _ in points] == [1, 10, 20, 30, 40]
    assert sum(count for _, _, count in points[-1][2]) == 320
