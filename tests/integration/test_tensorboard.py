"""The TensorBoard server on a run: it lists the learners, serves both curves under one tag, and the verdict."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.covering import long
from tests.process import summary_of
from tests.warm import ENVIRONMENT, hl_run

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
    with serving(folder / "tensorboard", folder.parent / "said") as address:
        yield address


@contextmanager
def serving(folder: Path, said: Path) -> Iterator[str]:
    """The address of a server on this machine alone, at a port that was free."""
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(folder), "--host", "127.0.0.1"]
    with said.open("w+") as log:
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


def ask(server: str, what: str, posted: Any = None, **query: Any) -> Any:
    """posted: what is sent along, as the hparams table does."""
    address = f"{server}data/{what}" + (f"?{urllib.parse.urlencode(query)}" if query else "")
    body = None if posted is None else json.dumps(posted).encode()
    kind = {"Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(address, body, kind), timeout=PATIENCE) as answer:
        return json.load(answer)


def loaded(server: str, what: str, ready: Any, posted: Any = None) -> Any:
    """What the server answers once it has read the files."""
    deadline = time.monotonic() + PATIENCE
    while not ready(found := ask(server, what, posted)):
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


@long
def test_the_hparams_table_has_a_row_a_job(tmp_path: Path) -> None:
    """With its choices, whether it went well, and its final numbers."""
    job = ("-m", "scenario=gd_a,gd_b", "scenario.lr=0.01,0.02", "steps=5", "eval_every=0", "hydra.sweep.dir=sweep")
    said = hl_run(tmp_path, *job)
    assert said.returncode == 0, said.stderr
    with serving(tmp_path / "sweep", tmp_path / "said") as server:
        good = {"experimentName": "", "allowedStatuses": ["STATUS_SUCCESS"], "startIndex": 0, "sliceSize": 9}
        asked = good | {"colParams": [{"metric": {"group": "", "tag": "final/hl_final_loss"}}]}
        route = "plugin/hparams/session_groups"
        served = loaded(server, route, lambda found: found.get("totalSize") == 4, asked)["sessionGroups"]
    with (tmp_path / "sweep" / "sweep.csv").open(newline="") as file:
        rows = {(row["scenario"], float(row["scenario.lr"])): row for row in csv.DictReader(file)}
    assert len(rows) == 4
    for group in served:
        row = rows.pop((group["hparams"]["scenario"], group["hparams"]["scenario.lr"]))
        numbers = {metric["name"]["tag"]: metric["value"] for metric in group["metricValues"]}
        for name in ("hl_final_loss", "pytorch_held_out_accuracy", "max_abs_weight_difference"):
            assert numbers[f"final/{name}"] == pytest.approx(float(row[name]), rel=1e-4), name
    assert not rows
