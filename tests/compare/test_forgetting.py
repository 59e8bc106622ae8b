"""What is forgotten, against numbers found by hand."""

from __future__ import annotations

import pytest

from hl_cli.compare.forgetting import Retention
from hl_cli.compare.side_by_side import StepRecord


def retained(*periods: tuple[str, dict[str, float]]) -> Retention:
    of = Retention("hl", "accuracy")
    for step, (trained, row) in enumerate(periods, start=1):
        tasks = {task: {"hl": {"accuracy": score}} for task, score in row.items()}
        of.consume(StepRecord(step, {}, False, tasks=tasks, trained=trained))
        of.consume(StepRecord(step, {}, False))  # a step at which no period ends
    return of


def test_three_tasks() -> None:
    of = retained(
        ("a", {"a": 0.9, "b": 0.1, "c": 0.3}),
        ("b", {"a": 0.5, "b": 0.8, "c": 0.2}),
        ("c", {"a": 0.6, "b": 0.2, "c": 0.7}),
    )
    assert of.measures() == pytest.approx({
        "plasticity": (0.9 + 0.8 + 0.7) / 3,
        "final": (0.6 + 0.2 + 0.7) / 3,
        "forgetting": ((0.9 - 0.6) + (0.8 - 0.2)) / 2,
        "tasks_met": 3,
    })  # fmt: skip


def test_what_was_not_met_cannot_be_forgotten() -> None:
    of = retained(("a", {"a": 0.9, "b": 0.9}), ("a", {"a": 0.7, "b": 0.1}))
    assert of.measures() == {"plasticity": pytest.approx(0.8), "final": 0.7, "forgetting": None, "tasks_met": 1}


def test_scores_at_the_end_of_what_was_met_and_of_what_never_was() -> None:
    of = retained(("a", {"a": 0.9, "b": 0.9, "c": 0.5}), ("b", {"a": 0.7, "b": 0.1, "c": 0.25}))
    assert of.at_the_end() == {"final_accuracy": pytest.approx(0.4), "unseen_accuracy": 0.25}
    assert retained(("a", {"a": 0.5, "b": float("nan")})).at_the_end() == {"final_accuracy": 0.5}
    assert Retention("hl", "accuracy").at_the_end() == {}


def test_a_task_that_comes_again() -> None:
    of = retained(("a", {"a": 0.9, "b": 0.0}), ("b", {"a": 0.1, "b": 0.8}), ("a", {"a": 0.95, "b": 0.3}))
    assert of.measures()["forgetting"] == pytest.approx(0.5)


def test_a_learner_that_diverged_has_no_more_scores() -> None:
    of = retained(("a", {"a": 0.9, "b": 0.0}))
    of.consume(StepRecord(2, {}, False, tasks={"a": {}, "b": {}}, trained="b"))
    assert of.trained == ["a"] and Retention("hl", "r2").measures() == {}
