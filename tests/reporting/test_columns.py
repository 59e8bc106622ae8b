"""CSV files of numbers read again: by the machine's own code the numbers of Python, and Python where it cannot."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hl_cli.reporting import columns, decimals
from hl_cli.reporting.columns import by_python, native, read
from tests.reporting.test_decimals import compiling, numbers

KINDS = ["edges", "any bits", "usual", "single precision", "whole"]


def lines_of(kind: str) -> list[str]:
    return decimals.by_python(1, numbers(kind).reshape(-1, 4)).splitlines(keepends=True)


@compiling
@pytest.mark.parametrize("kind", KINDS)
def test_every_number_is_read_as_python_reads_it(kind: str) -> None:
    parse, lines = native(), lines_of(kind)
    assert parse is not None
    assert parse(lines, 5).tobytes() == by_python(lines, 5).tobytes()
    written = np.where(np.isnan(numbers(kind)), np.nan, numbers(kind)).reshape(-1, 4)
    assert np.ascontiguousarray(parse(lines, 5)[:, 1:]).tobytes() == written.tobytes()


@compiling
@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("1,2\n", [1.0, 2.0]),
        ("1,2", [1.0, 2.0]),  # the last line of a file may have no end
        (",\r\n", [np.nan, np.nan]),
        (' 1,"2"\r\n', [1.0, 2.0]),
        ("1_0,1e400\r\n", [10.0, np.inf]),
        ("1\r\n", None),
        ("1,2,3\r\n", None),
        ("1,2x\r\n", None),
    ],
)
def test_what_a_run_does_not_write_is_left_to_python(line: str, found: list[float] | None) -> None:
    parse = native()
    assert parse is not None
    for one in (parse, by_python):
        if found is None:
            with pytest.raises(ValueError):
                one(["3,4\r\n", line], 2)
        else:
            assert np.array_equal(one(["3,4\r\n", line], 2), [[3.0, 4.0], found], equal_nan=True)


@pytest.mark.parametrize("fast", ["the same", "other numbers", "none"])
def test_a_large_file_is_read_in_blocks(fast: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines, by = lines_of("usual")[:200], []

    def parse(some: list[str], count: int) -> np.ndarray:
        by.append(len(some))
        return by_python(some, count) + (fast == "other numbers")

    monkeypatch.setattr(columns, "LARGE", 100)
    monkeypatch.setattr(columns, "BLOCK", 1000)
    monkeypatch.setattr(columns, "native", lambda: None if fast == "none" else parse)
    (tmp_path / "numbers.csv").write_text("step,a,b,c,d\r\n" + "".join(lines), newline="")
    found = read(tmp_path / "numbers.csv")
    assert [*found] == ["step", "a", "b", "c", "d"]
    assert np.array_equal(np.array([*found.values()]).T, by_python(lines, 5), equal_nan=True)
    assert sum(by) == {"the same": 200, "other numbers": by[0] if by else -1, "none": 0}[fast]
