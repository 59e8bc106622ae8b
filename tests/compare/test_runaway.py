"""Weights that run away: measured by their start, and said in a remark though nothing is NaN."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from hl_cli.build import Comparison
from hl_cli.compare.side_by_side import StepRecord
from hl_cli.compare.weight_growth import AWAY, Growth, WeightGrowth, rms, scales
from hl_cli.dynamics.guards import EVERY, REACH, WeightBound
from hl_cli.errors import RunawayWeights
from hl_cli.reporting.console import remark

Build = Callable[..., Comparison]


def test_growth_is_measured_by_the_larger_of_a_tensor_and_the_net() -> None:
    weights = {"a": torch.tensor([3.0, 4.0]), "bias": torch.zeros(2)}
    assert scales(weights) == {"a": pytest.approx(12.5**0.5), "bias": pytest.approx(6.25**0.5)}
    assert scales({"zero": torch.zeros(3)}) == {"zero": 1.0}


def test_it_looks_where_a_step_is_measured() -> None:
    weights = {"w": torch.ones(4)}
    learner: Any = SimpleNamespace(name="hl", weights=lambda: weights)
    watch = WeightGrowth([learner])
    weights["w"].mul_(2 * AWAY)
    assert rms([weights["w"]]) == 2 * AWAY
    watch.consume(StepRecord(1, {}, False))
    assert not watch.away
    watch.consume(StepRecord(2, {}, True))
    weights["w"].fill_(1)
    watch.consume(StepRecord(3, {}, True))  # what ran away and came back is said still
    assert watch.away == {"hl": Growth("w", 2 * AWAY, 2)}


def test_it_is_said() -> None:
    of: dict[str, Any] = {
        "labels": {"hl": "HL", "pytorch": "PyTorch"}, "hl": {}, "pytorch": {"held_out_skill": -1.0}, "runaway": {},
        "resumed": [],
    }  # fmt: skip
    assert "skill of PyTorch is below 0" in remark(of) and "ran away" not in remark(of)
    of["runaway"] = {"hl": {"tensor": "w", "times": 20.0, "step": 2}}
    assert remark(of).startswith("the weights of HL ran away though every number is finite: w grew 20 times (step 2)")


def test_a_usual_run_has_none(build: Build) -> None:
    built = build("model=mlp")
    watch = WeightGrowth((built.hl, built.pytorch))
    for k, sample in enumerate(islice(built.stream, 300), start=1):
        built.hl.step(sample)
        watch.consume(StepRecord(k, {}, k % 50 == 0))
    assert not watch.away and watch.worst["hl"].times > 1


def test_they_stop_forward_credit_though_every_number_is_finite(build: Build) -> None:
    """Costates are measured by the largest dL/dh so far, which grows with the weights; the weights are not."""
    built = build(
        "scheme=forward", "model=rnn", "stream=sine", "stream.ticks=1", "scenario=custom", "scenario.lr=0.6",
        "dtype=float64",
    )  # fmt: skip
    with pytest.raises(RunawayWeights, match="weight grows without bound"):
        for sample in islice(built.stream, 1000):
            built.hl.step(sample)
    assert all(bool(torch.isfinite(w).all()) for w in built.hl.weights().values())
    assert RunawayWeights("weight").advice == "try a smaller learning rate"


def test_a_leash_is_looked_at_now_and_then() -> None:
    theta = torch.tensor([0.5, -2.0])
    leash = WeightBound(theta)
    theta[0] = -1.9 * REACH
    leash.at(0)
    theta[0] = -2.1 * REACH
    leash.at(EVERY - 1)
    with pytest.raises(RunawayWeights):
        leash.at(EVERY)
