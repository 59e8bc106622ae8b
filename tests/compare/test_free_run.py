"""Free runs: what is generated, how it is scored, and that nothing is learnt by it."""

from __future__ import annotations

import csv
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import pytest
import torch

from hl_cli.build import Comparison
from hl_cli.compare.free_run import FreeRun, free_run
from hl_cli.errors import BadInput
from hl_cli.reporting.free_run import draw_free_run, said, write_free_run
from hl_cli.reporting.palette import looks

Build = Callable[..., Comparison]
CHOICE = ("scheme=forward", "stream=sine", "stream.ticks=1", "pytorch.window=1")


def test_scores_by_hand() -> None:
    true = torch.tensor([[1.0], [3.0], [2.0]])
    scores = FreeRun("own", true, {"hl": torch.tensor([[1.0], [2.0], [2.0]])}).scores()
    assert scores["hl"] == {"power_error": pytest.approx(1 / 14), "r2": pytest.approx(1 - 1 / 2)}
    assert scores["zero"] == {"power_error": 1.0, "r2": pytest.approx(1 - 14 / 2)}


@pytest.mark.parametrize("feed", ["closed_loop", "zero_input", "teacher_forced"])
@pytest.mark.parametrize("model", ["gru", "lstm", "rotation"])
def test_generates_from_where_the_run_ended(build: Build, model: str, feed: str) -> None:
    """Both arms against a plain loop over the cell; weights, states and costates of the learners stay."""
    built = build(*CHOICE, f"model={model}", "scenario=custom", "scenario.lr=1e-30", "dtype=float64")
    for sample in islice(built.stream, 20):
        built.hl.step(sample)
        built.pytorch.step(sample)
    ahead = build(*CHOICE, "model=rnn", "dtype=float64").stream
    coming = list(islice(ahead, 27))
    net, state = built.pytorch.module, None
    for sample in coming[:20]:
        state = net.cells[0](sample.inputs[:, 0], state)  # type: ignore[index, operator]
    u, expected = coming[20].inputs[:, 0], []
    for k in range(7):
        if feed != "closed_loop":
            u = coming[20 + k].inputs[:, 0] * (feed == "teacher_forced")
        state = net.cells[0](u, state)  # type: ignore[index, operator]
        expected.append(net.head(state[0] if isinstance(state, tuple) else state).detach())  # type: ignore[operator]
        u = expected[-1]
    before, weights = built.hl.state_dict(), {name: w.clone() for name, w in built.hl.weights().items()}
    run = free_run(built.alone(), built.stream, 7, feed)
    assert run is not None
    assert torch.equal(run.true, torch.cat([s.target for s in coming[20:]]))  # type: ignore[misc]
    for name in ("hl", "pytorch"):
        torch.testing.assert_close(run.said[name], torch.cat(expected), rtol=1e-9, atol=1e-12)
    after = built.hl.state_dict()
    assert all(torch.equal(w, weights[name]) for name, w in built.hl.weights().items())
    assert all(
        torch.equal(*pair)
        for pair in zip(before["credit"]["neurons"]["h"][0], after["credit"]["neurons"]["h"][0], strict=True)
    )


def test_files(tmp_path: Path) -> None:
    true = torch.randn(9, 2)
    run = FreeRun("zero_input", true, {"hl": true + 1, "pytorch": true * 0})
    write_free_run(tmp_path, run)
    labels = {"hl": "HL", "pytorch": "PyTorch"}
    summary = {"arms": list(labels), "labels": labels, "reference": "pytorch", "hl": {}, "pytorch": {}}
    draw_free_run(tmp_path, "title", run, looks(summary))
    with (tmp_path / "free_run.csv").open() as file:
        header, *rows = list(csv.reader(file))
    assert header == ["tick", "true_0", "hl_0", "pytorch_0", "true_1", "hl_1", "pytorch_1"] and len(rows) == 9
    assert [float(cell) for cell in rows[4][4:]] == pytest.approx([float(true[4, 1]), float(true[4, 1]) + 1, 0.0])
    assert (tmp_path / "free_run.png").stat().st_size > 1000
    assert "error/power" in said(run, labels) and "1 (PyTorch), 1 (zero output)" in said(run, labels)


@pytest.mark.parametrize("overrides, wrong", [
    (("stream=sine", "stream.ticks=1", "model=rnn"), "free_run=5: the state of hl, pytorch ends with each sample"),
    ((*CHOICE, "model=rnn", "stream.ticks=2"), "free_run=5: allowed: a stream of values, stream.ticks=1"),
    (("scheme=forward", "stream=recall", "stream.task=adding", "model=rnn", "pytorch.window=1"),
     "feed=closed_loop: 1 outputs cannot be 2 inputs"),
])  # fmt: skip
def test_bad_input(build: Build, overrides: tuple[str, ...], wrong: str) -> None:
    with pytest.raises(BadInput, match=wrong):
        build(*overrides, "free_run=5")
