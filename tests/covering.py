"""Tables of cases that are too long to be run whole each time: a part of them in which every pair of values occurs.

With HL_TESTS=full, which ./scripts/soak --tests sets, every case is run.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from itertools import combinations
from typing import TypeVar

import pytest

Case = TypeVar("Case", bound=tuple[object, ...])
FULL = os.environ.get("HL_TESTS") == "full"
long = pytest.mark.skipif(not FULL, reason="long: ./scripts/soak --tests")
"""A test that takes long and adds little to the others."""


def one_in(of: int) -> pytest.MarkDecorator:
    """Of the cases of a test the first of every so many; tests/conftest.py leaves the others out."""
    return pytest.mark.one_in(of)


def pairs_of(case: tuple[object, ...]) -> set[tuple[object, ...]]:
    """Each two of its values, with their places."""
    return set(combinations(enumerate(case), 2))


def covering(cases: Iterable[Case], full: bool = FULL) -> list[Case]:
    """A part of the cases, in their order, with every pair of values that occurs in any of them; all, where full.

    Greedy: the case that has most of the pairs still missing is taken next, the earliest where several have.
    """
    table = list(cases)
    if full:
        return table
    missing, left, taken = set().union(*map(pairs_of, table)), dict(enumerate(map(pairs_of, table))), set()
    while missing:
        best = max(left, key=lambda k: len(left[k] & missing))
        missing -= left.pop(best)
        taken.add(best)
    return [case for k, case in enumerate(table) if k in taken]
