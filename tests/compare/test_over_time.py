"""observe=[gradient]: the Jacobians are those of autograd, no arm notices, a resumed run writes the same."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from hl_cli.build.observers import check_observers
from hl_cli.compare.over_time import lags_up_to, reach
from hl_cli.compare.probe import net_of
from hl_cli.errors import BadInput
from hl_cli.reporting.gradient_picture import Reached, safe_up_to
from hl_cli.runs.resume import Resumed
from hl_cli.runs.run import run
from tests.broken_off import Killed, apart, die_at, made

Build = Callable[..., Any]
NET = ("stream=mackey_glass", "stream.ticks=5", "model.hidden=3", "scenario=gd_a", "dtype=float64")
OBSERVED = ("observe=[gradient]", "observe.gradient.every=20", "observe.gradient.over=9")


@pytest.mark.parametrize("model", ["lstm", "hamiltonian"])
def test_singular_values_are_those_of_the_jacobian_of_the_whole_path(build: Build, model: str) -> None:
    """Two layers, one state tensor or two each."""
    net: Any = net_of(build(*NET, f"model={model}", "model.layers=2").pytorch)
    inputs = torch.randn(8, net.features).double()
    begin, ready = [None, None], net.ready()
    for u in inputs[:3]:
        _, begin = net.tick(u.unsqueeze(0), begin, ready)
    widths = [part.shape[1] for state in begin for part in state]

    def on(flat: Tensor) -> Tensor:
        q, p, r, s = flat.split(widths)
        states = [(q.unsqueeze(0), p.unsqueeze(0)), (r.unsqueeze(0), s.unsqueeze(0))]
        for u in inputs[3:]:
            _, states = net.tick(u.unsqueeze(0), states, ready)
        return torch.cat([part[0] for state in states for part in state])

    start = torch.cat([part[0] for state in begin for part in state]).detach()
    sizes = torch.linalg.svdvals(torch.autograd.functional.jacobian(on, start))
    ((lag, largest, smallest),) = reach(net, inputs, [5])
    assert lag == 5
    assert largest == pytest.approx(float(sizes[0]), rel=1e-12)
    assert smallest == pytest.approx(float(sizes[-1]), rel=1e-9)
    assert all(p.requires_grad for p in net.parameters())
    ((_, at_least, at_most),) = reach(net, inputs, [5], most=6)  # wide already: by random directions
    assert largest / 3 < at_least <= largest * (1 + 1e-12) and at_most >= smallest * (1 - 1e-9)


def test_the_safe_range_ends_where_the_gradient_first_leaves_it() -> None:
    family = [
        Reached(str(h), "black", "cell", h, {1: [(10, 9.0, 0.1)], 5: [(10, largest, 1 / largest)]})
        for h, largest in ((0.05, 1.2), (0.1, 2.0), (0.2, 7.0), (0.5, 1.5))
    ]
    assert safe_up_to(family) == 0.1 and safe_up_to(family[:1]) == 0.05 and safe_up_to(family[2:]) == 0.0


def test_lags() -> None:
    assert lags_up_to(4) == [1, 2, 3, 4]
    assert lags_up_to(120) == [1, 2, 3, 5, 7, 10, 20, 30, 50, 70, 100, 120]


@pytest.mark.usefixtures("no_pictures")
def test_no_arm_notices_and_a_resumed_run_finds_the_same(
    configured: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    choice = (*NET, "model=rnn", "split=state", "steps=40", "log_every=10", "eval_every=0", "checkpoint_every=7")
    plain, whole, broken = (made(tmp_path / name) for name in ("plain", "whole", "broken"))
    run(configured(*choice), plain)
    found = run(configured(*choice, *OBSERVED), whole).summary
    assert (plain / "curves.csv").read_bytes() == (whole / "curves.csv").read_bytes()
    die_at(27, monkeypatch)
    with pytest.raises(Killed):
        run(configured(*choice, *OBSERVED), broken)
    die_at(-1, monkeypatch)
    run(configured(*choice, *OBSERVED), broken, resumed=Resumed(broken))
    assert apart(whole, broken) == []
    with (whole / "gradient.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {(row["step"], row["arm"]) for row in rows} == {(s, a) for s in ("1", "20", "40") for a in ("hl", "pytorch")}
    assert {int(row["lag"]) for row in rows} == {1, 2, 3, 4}  # each sample begins at rest
    last = [row for row in rows if row["arm"] == "hl"][-1]
    assert (found["hl"]["gradient_largest"], found["hl"]["gradient_smallest"]) == (
        float(last["largest"]),
        float(last["smallest"]),
    )
    assert "## Gradient over time" in (whole / "report.md").read_text()
    assert (whole / "gradient.png").read_bytes()[1:4] == b"PNG"


@pytest.mark.parametrize(
    ("choice", "line"),
    [
        (("model=mlp", "model.hidden=[3]"), r"observe=\[gradient\]: no arm has a recurrent net; allowed: model="),
        (("model=rnn", "observe.gradient.every=7"), "observe.gradient.every=7: allowed: a multiple of log_every=50"),
    ],
)
def test_bad_input(build: Build, configured: Callable[..., Any], choice: tuple[str, ...], line: str) -> None:
    words = (*[part for part in NET if "hidden" not in part], "observe=[gradient]", *choice)
    with pytest.raises(BadInput, match=line):
        check_observers(configured(*words), build(*words), 1)
