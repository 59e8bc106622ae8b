"""The window over the last steps: many at once have the bits of one by one, also after a resume."""

from __future__ import annotations

import numpy as np
import pytest

from hl_cli.compare.metrics import Measure
from hl_cli.compare.window import KEPT, WINDOW, Window
from hl_cli.types import Task

MEASURE = Measure(Task("values", 2), "mse", persistence=True)


def drawn(steps: int) -> list[tuple[float, ...]]:
    """Means of very different sizes, whose sum depends on their order."""
    dice = np.random.default_rng(steps)
    return [tuple(row) for row in (dice.random((steps, 7)) * 10.0 ** dice.integers(-9, 9, (steps, 7))).tolist()]


def one_by_one(rows: list[tuple[float, ...]]) -> list[list[float]]:
    """A ring of WINDOW places, in which each step takes the place of the oldest."""
    ring, found = np.empty((WINDOW, 7)), []
    for k, row in enumerate(rows):
        ring[k % WINDOW] = row
        found.append(ring[: min(k + 1, WINDOW)].mean(0).tolist())
    return found


@pytest.mark.parametrize("begin", [0, 1, 60, 99, 100, 101, 237, 1100])
def test_each_window_is_the_one_that_was_there(begin: int) -> None:
    rows = drawn(begin + 700)
    expected, window, resumed = one_by_one(rows), Window(MEASURE), Window(MEASURE)
    for row in rows[:begin]:
        window.add(row)
    resumed.load_state_dict(window.state_dict())
    for of in (window, resumed):
        for first, last in ((begin, begin + 1), (begin + 1, begin + 51), (begin + 51, begin + 700)):
            for row in rows[first:last]:
                of.add(row)
            assert of.each(last - first).tolist() == expected[first:last]
            assert of.each(last - first - 1, 1).tolist() == expected[first : last - 1]
        assert str(of.scores()) == str(MEASURE.scores(tuple(expected[-1]))) and of.count == WINDOW


def test_a_whole_block_can_be_asked_for_and_one_step_behind() -> None:
    rows = drawn(3 * KEPT + 1)
    expected, window = one_by_one(rows), Window(MEASURE)
    for k, row in enumerate(rows):
        window.add(row)
        if k and k % KEPT == 0:
            assert window.each(KEPT).tolist() == expected[k + 1 - KEPT : k + 1]
            assert window.each(KEPT, 1).tolist() == expected[k - KEPT : k]
            assert len(window._rows if window._rows is not None else ()) <= KEPT + 1 + WINDOW


def test_many_rows_are_scored_as_one() -> None:
    rows = [*drawn(50), (1.0, 2.0, 3.0, 0.0, 0.0, 0.0, 0.0)]
    for measure in (MEASURE, Measure(Task("classes", 3, symbols=True), "cross_entropy")):
        of = np.array(rows)[:, : 7 if measure is MEASURE else 2]
        one = [list(measure.scores(tuple(row)).values()) for row in of.tolist()]
        assert np.array_equal(measure.table(of), np.array(one), equal_nan=True)
