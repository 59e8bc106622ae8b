"""Rows of curves.csv by the machine's own code: the bytes of Python, and Python where there is no compiler."""

from __future__ import annotations

import math
import shutil

import numpy as np
import pytest

from hl_cli.reporting import decimals
from hl_cli.reporting.decimals import Lines, by_python, native

EDGES = [
    0.0, -0.0, math.inf, -math.inf, math.nan, 1e16, 1e15, 9999999999999998.0, 1e-4, 9.999e-5, 1e-5, 5e-324, -2.5e-310,
    1.7976931348623157e308, 2.0**53, 2.0**53 - 1, 123456789012345680.0, 0.1, 1 / 3, -1.0, 10.0, 1e100, 1e-100, 1e22,
]  # fmt: skip
compiling = pytest.mark.skipif(not (shutil.which("g++") or shutil.which("clang++")), reason="no C++ compiler")


def numbers(kind: str) -> np.ndarray:
    drawn = np.random.default_rng(3)
    return {
        "edges": lambda: np.array(EDGES),
        "any bits": lambda: drawn.integers(0, 2**64, 40_000, dtype=np.uint64).view(np.float64),
        "usual": lambda: drawn.standard_normal(40_000) * 10.0 ** drawn.integers(-9, 20, 40_000),
        "single precision": lambda: drawn.standard_normal(40_000).astype(np.float32).astype(np.float64),
        "whole": lambda: np.round(drawn.standard_normal(40_000) * 10.0 ** drawn.integers(0, 18, 40_000)),
    }[kind]()


@compiling
@pytest.mark.parametrize("kind", ["edges", "any bits", "usual", "single precision", "whole"])
def test_every_number_is_written_as_python_writes_it(kind: str) -> None:
    write = native()
    assert write is not None
    rows = numbers(kind).reshape(-1, 4)
    assert write(999_990, rows) == by_python(999_990, rows)
    assert write(1, rows[:, ::-1]) == by_python(1, rows[:, ::-1])  # as it does not lie in memory


def test_a_line_is_what_python_says_of_its_numbers() -> None:
    assert by_python(7, np.array([[0.1, math.nan], [1e16, -0.0]])) == "7,0.1,\r\n8,1e+16,-0.0\r\n"


@compiling
def test_from_many_rows_on_python_no_longer_writes_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decimals, "MANY", 40)
    lines, rows, by = Lines(), numbers("usual").reshape(-1, 4)[:100], []
    monkeypatch.setattr(lines, "_write", lambda *of: by.append(len(of[1])) or by_python(*of))
    text = "".join(lines.of(k, rows[k : k + 10]) for k in range(0, 100, 10))
    assert text == by_python(0, rows) and by == [10] * 4


@pytest.mark.parametrize("what", ["no compiler", "other bytes"])
def test_python_writes_on_where_nothing_else_does_the_same(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decimals, "MANY", 20)
    if what == "other bytes":
        monkeypatch.setattr(decimals, "native", lambda: lambda first, rows: "0,0\r\n")
    else:
        monkeypatch.setenv("CXX", "no-such-compiler")
        native.cache_clear()
    lines, rows = Lines(), numbers("usual").reshape(-1, 4)[:50]
    try:
        assert "".join(lines.of(k, rows[k : k + 10]) for k in range(0, 50, 10)) == by_python(0, rows)
    finally:
        native.cache_clear()
