"""observe=[credit]: the gradient of each arm against the exact one; no arm notices, a resumed run finds the same."""

from __future__ import annotations

import csv
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import torch

from hl_cli.build.observers import check_observers
from hl_cli.compare.probe import ALL, STATE, agreements, arm_gradient, exact_gradient, net_of
from hl_cli.errors import BadInput
from hl_cli.runs.resume import Resumed
from hl_cli.runs.run import run
from tests.broken_off import Killed, apart, die_at, made
from tests.covering import long

NET = ("stream=recall", "model=rnn", "model.hidden=5", "scheme=forward", "scenario=custom", "scenario.lr=0.01")
RUN = (*NET, "arm=[hl,tbptt8,rtrl,adam,frozen]", "steps=60", "log_every=10", "eval_every=0", "checkpoint_every=20")
OBSERVED = ("observe=[credit]", "observe.credit.every=20", "observe.credit.over=30")
Build = Callable[..., Any]


def gradient(built: Any, name: str, samples: list[Any]) -> dict[str, torch.Tensor]:
    """What an arm gives its update rule at the weights of the start."""
    found = arm_gradient(built.arms[name].twin(built.arms[name].learner.weights()), samples)
    assert found is not None
    return found


@pytest.mark.parametrize("targets", ["last", "all"])
@pytest.mark.parametrize("model", ["rnn", "gru", "rotation"])
def test_real_time_recurrent_learning_is_exact(build: Build, model: str, targets: str) -> None:
    built = build(
        "arm=[hl,rtrl]", "stream=mackey_glass", "stream.ticks=3", f"stream.targets={targets}", f"model={model}",
        "model.hidden=4", "scheme=forward", "scenario=gd_a", "dtype=float64",
    )  # fmt: skip
    samples = list(islice(built.stream, 12))
    of = built.arms["rtrl"]
    found = agreements(lambda: of.twin(of.learner.weights()), built.measure.loss, samples)
    assert set(found) == {*of.learner.weights(), STATE, ALL}
    assert all(abs(cosine - 1) < 1e-12 and abs(ratio - 1) < 1e-9 for cosine, ratio in found.values())


def test_an_arm_that_does_what_another_does_has_its_gradient(build: Build) -> None:
    """Costates zeroed before each tick are a window of 1, and what ends each sample at rest is exact."""
    built = build(*NET, "arm=[hl,tbptt1,tbptt8,adam]", "scheme.carry=false", "dtype=float64")
    samples = list(islice(built.stream, 24))
    hl, one, eight, adam = (gradient(built, name, samples) for name in ("hl", "tbptt1", "tbptt8", "adam"))
    assert all(torch.allclose(hl[name], g, rtol=1e-12, atol=1e-15) for name, g in one.items())
    assert not any(torch.allclose(hl[name], g, rtol=1e-3) for name, g in eight.items() if name.startswith("cells"))
    module: Any = net_of(built.arms["adam"].learner)
    exact = exact_gradient(module, False, built.measure.loss, samples)
    assert all(torch.allclose(adam[name], g, rtol=1e-12, atol=1e-15) for name, g in exact.items())


def test_forward_costates_are_summed_as_a_learner_at_a_rate_of_nothing_meets_them(build: Build) -> None:
    """Without momentum omega is the drive of its tick, so that its sum over the ticks is what was asked for."""
    built = build(*NET, "scenario.lr=1e-30", "dtype=float64")
    samples = list(islice(built.stream, 20))
    found, summed = gradient(built, "hl", samples), dict[str, torch.Tensor]()
    for sample in samples:
        built.hl.step(sample)
        for name, omega in built.hl.weight_costates().items():
            summed[name] = summed.get(name, torch.zeros(())) + omega / len(samples)
    assert all(torch.allclose(found[name], g, rtol=1e-12, atol=1e-15) for name, g in summed.items())


def test_a_cosine_by_hand(build: Build) -> None:
    """Of a window of 4 over 4 ticks and at rest before: the exact one, and of a window of 8 there is none yet."""
    built = build(*NET, "arm=[hl,tbptt1,tbptt8]", "arms.tbptt1.window=4")
    samples = list(islice(built.stream, 4))
    four, eight = (built.arms[name] for name in ("tbptt1", "tbptt8"))
    found = agreements(lambda: four.twin(four.learner.weights()), built.measure.loss, samples)
    assert found[ALL] == pytest.approx((1.0, 1.0))
    assert agreements(lambda: eight.twin(eight.learner.weights()), built.measure.loss, samples) == {}


@long
@pytest.mark.usefixtures("no_pictures")
def test_no_arm_notices_and_a_resumed_run_finds_the_same(
    configured: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, whole, broken = (made(tmp_path / name) for name in ("plain", "whole", "broken"))
    run(configured(*RUN), plain)
    cfg = configured(*RUN, *OBSERVED)
    summary = run(cfg, whole).summary
    files = {path.name for path in plain.glob("*.csv")}
    assert "curves.csv" in files and "credit.csv" not in files
    for name in files:
        assert (plain / name).read_bytes() == (whole / name).read_bytes(), name

    with (whole / "credit.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {(row["step"], row["arm"], row["samples"]) for row in rows} == {
        (step, arm, samples)
        for step, samples in (("20", "20"), ("40", "30"), ("60", "30"))
        for arm in ("hl", "tbptt8", "rtrl", "adam")
    }
    last = {row["arm"]: float(row["cosine"]) for row in rows if row["step"] == "60" and row["tensor"] == STATE}
    assert {arm: summary[arm]["credit_cosine"] for arm in last} == last and "credit_cosine" not in summary["frozen"]
    assert last["rtrl"] == pytest.approx(1.0, abs=1e-5) and last["hl"] < 0.999
    page = (whole / "report.md").read_text()
    assert "## Credit over time" in page and "| state net |" in page
    assert "Credit over time" in (whole / "report.html").read_text()
    assert tags(whole, "hl") - tags(plain, "hl") == {
        f"credit/{what}, {of}" for what in ("cosine", "norm_ratio") for of in (STATE, ALL)
    }

    die_at(53, monkeypatch)
    with pytest.raises(Killed):
        run(cfg, broken)
    die_at(-1, monkeypatch)
    run(cfg, broken, resumed=Resumed(broken))
    assert apart(whole, broken) == []
    assert (whole / "credit.csv").read_bytes() == (broken / "credit.csv").read_bytes()


def tags(folder: Path, arm: str) -> set[str]:
    """What TensorBoard shows of an arm."""
    from tensorboard.backend.event_processing.event_file_loader import LegacyEventFileLoader

    events = [e for file in (folder / "tensorboard" / arm).iterdir() for e in LegacyEventFileLoader(str(file)).Load()]
    return {value.tag for event in events for value in event.summary.value}


@pytest.mark.parametrize(
    ("case", "said"),
    [
        (("stream=digits",), r"observe=\[credit\]: no arm that learns has a recurrent net"),
        ((*NET, "observe.credit.every=30"), "observe.credit.every=30: allowed: a multiple of log_every=50"),
        (
            (*NET, "scheme.rate=0.5", "observe.credit.every=50"),
            "arm hl have dynamics of their own; allowed: integrator=",
        ),
    ],
)
def test_what_it_cannot_look_at_is_refused(configured: Build, build: Build, case: tuple[str, ...], said: str) -> None:
    options = ("observe=[credit]", *case)
    with pytest.raises(BadInput, match=said):
        check_observers(configured(*options), build(*options), 1)
