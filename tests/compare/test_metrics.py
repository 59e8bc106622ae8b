"""Metrics: each against its formula written out, over a step, a window, a whole run, and in parts."""

from __future__ import annotations

import math

import pytest
import torch

from hl_cli.build import Comparison
from hl_cli.compare.metrics import Measure, Total, evaluate, pooled
from hl_cli.compare.window import WINDOW, Window
from hl_cli.types import Sample, Task

VALUES = Task("values", 2)


def drawn(steps: int, batch: int = 3) -> tuple[list[torch.Tensor], list[Sample]]:
    torch.manual_seed(steps)
    said = [torch.randn(batch, 2, dtype=torch.float64) for _ in range(steps)]
    targets = [torch.randn(batch, 2, dtype=torch.float64) + 5 for _ in range(steps)]
    return said, [Sample(torch.zeros(batch, 1, 1), t, t + 0.1 * torch.randn_like(t)) for t in targets]


def expected(said: list[torch.Tensor], samples: list[Sample]) -> dict[str, float]:
    """The formulas over all rows at once."""
    y, t = torch.cat(said), torch.cat([s.target for s in samples])
    b = torch.cat([s.baseline for s in samples])
    error = ((y - t) ** 2).sum()
    return {
        "loss": float(error / y.numel()),
        "mae": float((y - t).abs().mean()),
        "r2": float(1 - error / ((t - t.mean(0)) ** 2).sum()),
        "power_error": float(error / (t**2).sum()),
        "skill": float(1 - error / ((b - t) ** 2).sum()),
    }


@pytest.mark.parametrize("over", [Window, Total])
@pytest.mark.parametrize("steps", [1, 7, 99, 100, 101, 350])
def test_values_over_a_window(steps: int, over: type[Window] | type[Total]) -> None:
    measure = Measure(VALUES, "mse", persistence=True)
    said, samples = drawn(steps)
    losses = [float(measure.loss(y, s.target)) for y, s in zip(said, samples, strict=True)]
    window = over(measure)
    assert window.scores() == {}
    for means in measure.means(losses, said, samples):
        window.add(means)
    kept = min(steps, WINDOW) if over is Window else steps
    assert window.scores() == pytest.approx(expected(said[-kept:], samples[-kept:]), abs=1e-10)
    assert measure.names == ("loss", "mae", "r2", "power_error", "skill") and measure.pooled == (
        "r2",
        "power_error",
        "skill",
    )


def test_a_window_forgets_a_large_value() -> None:
    measure = Measure(Task("classes", 2), "cross_entropy")
    window = Window(measure)
    for k in range(2 * WINDOW):
        window.add((1e30 if k == 10 else 0.1, 1.0))
    assert window.scores() == {"loss": pytest.approx(0.1, rel=1e-12), "accuracy": 1.0}


def test_without_persistence_there_is_no_skill() -> None:
    measure = Measure(VALUES, "mse")
    said, samples = drawn(20)
    means = measure.means([0.5] * 20, said, [s._replace(baseline=None) for s in samples])
    scores = measure.scores(pooled([(1, m) for m in means]))
    wanted = expected(said, samples)
    assert set(scores) == {"loss", "mae", "r2", "power_error"} and scores["loss"] == 0.5
    assert scores["r2"] == pytest.approx(wanted["r2"])


def test_a_constant_target_has_no_r2() -> None:
    measure = Measure(VALUES, "mse", persistence=True)
    t = torch.full((4, 2), 3.3)
    (means,) = measure.means([1.0], [t + 1], [Sample(t, t, t)])
    scores = measure.scores(means)
    assert math.isnan(scores["r2"]) and math.isnan(scores["skill"]) and scores["mae"] == pytest.approx(1.0)


@pytest.mark.parametrize(("loss", "outputs"), [("cross_entropy", 2), ("mse", 2), ("binary", 1)])
def test_accuracy(loss: str, outputs: int) -> None:
    measure = Measure(Task("classes", 2), loss)
    said = [torch.tensor([[-1.0, 2.0], [3.0, 1.0]])] if outputs == 2 else [torch.tensor([[2.0], [-0.5]])]
    for target, accuracy in (([1, 0], 1.0), ([1, 1], 0.5), ([0, 1], 0.0)):
        (means,) = measure.means([0.25], said, [Sample(said[0], torch.tensor(target))])
        assert measure.scores(means) == {"loss": 0.25, "accuracy": accuracy}


def test_bits_per_character() -> None:
    measure = Measure(Task("classes", 2, symbols=True), "cross_entropy")
    y = torch.zeros(1, 2)
    (means,) = measure.means([math.log(2)], [y], [Sample(y, torch.tensor([0]))])
    assert measure.scores(means)["bits_per_character"] == pytest.approx(1.0)
    assert "bits_per_character" not in Measure(Task("classes", 2, symbols=True), "mse").names


def test_batches_of_several_sizes() -> None:
    measure = Measure(VALUES, "mse", persistence=True)
    one, two = drawn(3, batch=2), drawn(2, batch=5)
    said, samples = one[0] + two[0], one[1] + two[1]
    losses = [float(measure.loss(y, s.target)) for y, s in zip(said, samples, strict=True)]
    means = measure.means(losses, said, samples)
    together = pooled([(len(y), m) for y, m in zip(said, means, strict=True)])
    assert measure.scores(together) == pytest.approx(expected(said, samples))
    assert measure.means([], [], []).shape == (0, means.shape[1])


def test_evaluating_in_parts_changes_nothing(build: object, monkeypatch: pytest.MonkeyPatch) -> None:
    built: Comparison = build("stream=digits_rows", "model=rnn", "dtype=float64")  # type: ignore[operator]
    whole = evaluate(built.hl, built.stream.held_out(), built.measure)
    monkeypatch.setattr("hl_cli.compare.metrics.EVALUATED", 50 * 64)
    parts = evaluate(built.hl, built.stream.held_out(), built.measure)
    assert parts == pytest.approx(whole, abs=1e-12) and parts["accuracy"] == whole["accuracy"]
