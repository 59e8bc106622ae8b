"""Series from CSV files: the laws, and every sample against a plain loop over the table."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import cache
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch

from hl_cli.streams.series import SeriesStream
from hl_cli.types import Sample
from tests import laws
from tests.bits import same
from tests.material import real

ROWS, WARMUP = 9000, 50  # more than two pieces of the reader
COLUMNS = ("a", "b", "OT")
TRAINED = ROWS - round(ROWS * 0.2)


@cache
def walk(rows: int = ROWS) -> np.ndarray:
    """Three random walks of very different sizes."""
    steps = np.random.default_rng(7).normal(size=(rows, 3))
    return steps.cumsum(0) * (1.0, 1e-3, 50.0) + (1e3, 0.0, -7.0)


def write(path: Path, table: np.ndarray, delimiter: str = ",", end: str = "\n", note: str = "") -> str:
    """Write the table with a column of times in front, and of notes behind where one is given."""
    lines = [delimiter.join(("time", *COLUMNS, *(("note",) if note else ())))]
    for k, row in enumerate(table.tolist()):
        lines.append(delimiter.join([str(k), *map(repr, row), *([note] if note else [])]))
    path.write_bytes((end.join(lines) + end).encode())
    return str(path)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write(tmp_path_factory.mktemp("series") / "walk.csv", walk())


def maker(path: str, **options: object) -> Callable[[], SeriesStream]:
    chosen = {"time": "time", "warmup": WARMUP, "dtype": torch.float64, **options}
    return lambda: SeriesStream(path, "OT", **chosen)  # type: ignore[arg-type]


@cache
def looked_at(changes: bool) -> np.ndarray:
    """The values, or how they change."""
    return np.diff(walk(), axis=0, prepend=walk()[:1]) if changes else walk()


@cache
def past(rows: int, changes: bool) -> tuple[np.ndarray, np.ndarray]:
    """Mean and deviation of the first rows."""
    return looked_at(changes)[:rows].mean(0), looked_at(changes)[:rows].std(0)


def naive(rows: range, horizon: int, known: int | None = None, changes: bool = False) -> list[tuple[np.ndarray, ...]]:
    """Row by row: what is seen, the target and persistence, in units of rows 0..t, or of the first `known` rows."""
    v, x, found = walk(), looked_at(changes), []
    for t in rows:
        mean, spread = past(known or t + 1, changes)
        centre = v[t] if changes else mean
        ahead, kept = ((v[k] - centre) / spread for k in (t + horizon, t))
        found.append(((x[t] - mean) / spread, ahead[-1:], kept[-1:]))
    return found


def windows(rows: list[tuple[np.ndarray, ...]], lags: int, every: bool) -> Sample:
    """Overlapping where the last row targets, side by side where every one does; one below the other."""
    found = []
    for first in range(0, len(rows) - lags + 1, lags if every else 1):
        x, y, b = zip(*rows[first : first + lags], strict=True)
        found.append((x, y if every else y[-1:], b if every else b[-1:]))
    x, y, b = (torch.from_numpy(np.array(part)) for part in zip(*found, strict=True))
    return Sample(x, y.flatten(0, 1), b.flatten(0, 1))


def close(got: list[Sample], expected: Sample) -> None:
    for part, right in list(zip(zip(*got, strict=True), expected, strict=True))[:3]:  # units are asked for elsewhere
        torch.testing.assert_close(torch.cat(part), right[: sum(map(len, part))], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("targets", ["last", "all"])
@pytest.mark.parametrize(("batch", "horizon"), [(1, 1), (3, 30)])
def test_laws(path: str, targets: str, batch: int, horizon: int) -> None:
    make = maker(path, targets=targets, batch_size=batch, horizon=horizon, lags=4)
    laws.stream_is_the_same_again(make, 2000)
    step = batch * (4 if targets == "all" else 1)
    for row in (1, 4040, 4096, TRAINED - 200):
        laws.stream_resumes_anywhere(make, row // step, 300)


@pytest.mark.parametrize("targets", ["last", "all"])
@pytest.mark.parametrize("changes", [False, True])
@pytest.mark.parametrize(("batch", "horizon", "lags"), [(1, 1, 1), (1, 24, 5), (4, 3, 24)])
def test_samples_are_those_of_a_plain_loop(
    path: str, targets: str, batch: int, horizon: int, lags: int, changes: bool
) -> None:
    stream = maker(path, targets=targets, batch_size=batch, horizon=horizon, lags=lags, changes=changes)()
    expected = windows(naive(range(WARMUP, TRAINED - horizon), horizon, None, changes), lags, targets == "all")
    got = list(stream)
    assert stream.train_samples == len(expected.inputs)
    assert len(got) == stream.length == len(expected.inputs) // batch
    assert {sample.inputs.shape for sample in got} == {(batch, lags, 3)}
    close(got, expected)
    late = naive(range(TRAINED, ROWS - horizon), horizon, TRAINED, changes)
    close([stream.held_out()], windows(late, lags, targets == "all"))


def test_the_end_is_the_end(path: str) -> None:
    stream = maker(path)()
    assert len(list(stream)) == stream.length
    again = maker(path)()
    again.load_state_dict(stream.state_dict())
    assert next(stream, None) is None and next(again, None) is None


def test_a_state_is_plain(path: str) -> None:
    stream, file = maker(path)(), io.BytesIO()
    list(islice(stream, 5000))
    torch.save(stream.state_dict(), file)
    file.seek(0)
    again = maker(path)()
    again.load_state_dict(torch.load(file, weights_only=True))
    assert same(next(stream), next(again))


@pytest.mark.parametrize("row", [60, 4095, 4096, 7000, TRAINED - 1, TRAINED, ROWS - 1])
def test_a_later_row_changes_no_earlier_sample(path: str, tmp_path: Path, row: int) -> None:
    horizon, lags = 3, 4
    table = walk().copy()
    table[row] += 1e3
    first = maker(path, horizon=horizon, lags=lags)()
    second = maker(write(tmp_path / "other.csv", table), horizon=horizon, lags=lags)()
    safe = min(row - horizon - WARMUP - lags + 1, first.length or 0)  # samples whose target comes before the row
    for a, b in islice(zip(first, second, strict=True), safe):
        assert same(a, b)
    if row < TRAINED:
        assert not torch.equal(next(first).target, next(second).target)  # type: ignore[arg-type]
    else:
        assert next(first, None) is None


def test_statistics_of_a_column_that_does_not_move(tmp_path: Path) -> None:
    table = walk(300).copy()
    table[:, 1] = 0.1
    stream = maker(write(tmp_path / "flat.csv", table))()
    assert all(bool((sample.inputs[..., 1] == 0).all()) for sample in (*stream, stream.held_out()))


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", " "])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_form_of_the_file_changes_nothing(tmp_path: Path, delimiter: str, end: str) -> None:
    table = walk(300)
    plain = maker(write(tmp_path / "plain.csv", table))()
    other = Path(write(tmp_path / "other.csv", table, delimiter, end))
    other.write_bytes(b"\xef\xbb\xbf" + other.read_bytes().rstrip())  # a mark of UTF-8, no line end at the end
    for a, b in zip(plain, maker(str(other))(), strict=True):
        assert same(a, b)


def test_cells_of_several_lines(path: str, tmp_path: Path) -> None:
    other = write(tmp_path / "notes.csv", walk(), note='"two\n\n""lines"", é"')
    make = maker(other, inputs=list(COLUMNS))
    for a, b in zip(maker(path)(), make(), strict=True):
        assert same(a, b)
    for stop in (0, 4046, 5000):
        laws.stream_resumes_anywhere(make, stop, 300)


def test_columns(path: str) -> None:
    everything, some, none = (next(maker(path, inputs=i)()) for i in (None, ["OT", "a"], ["b"]))
    assert torch.equal(everything.inputs[..., [2, 0]], some.inputs) and none.inputs.shape[2] == 1
    for sample in (some, none):  # the target need not be seen
        assert torch.equal(everything.target, sample.target)  # type: ignore[arg-type]
    with_time = next(maker(path, time=None)())
    assert with_time.inputs.shape[2] == 4 and torch.equal(with_time.inputs[..., 1:], everything.inputs)


def test_etth1() -> None:
    stream = SeriesStream(str(real("ETTh1.csv")), "OT", time="date", lags=48, batch_size=4)
    about = stream.describe()
    assert (about.ticks, about.features, about.kind, about.size, about.chance) == (48, 7, "values", 1, None)
    assert about.origin.startswith("ETTh1.csv, 17420 rows: OT, 1 ahead, from the last 48 rows of HUFL, ")
    assert (about.train_samples, about.held_out_samples) == (13936 - 100 - 1 - 47, 3484 - 1 - 47)
    samples = list(stream)
    assert len(samples) == stream.length == 13788 // 4
    for sample in (samples[0], samples[-1], stream.held_out()):
        assert sample.inputs.dtype == torch.float32 and bool(torch.isfinite(sample.inputs).all())
        assert torch.equal(sample.baseline, sample.inputs[:, -1, 6:])  # type: ignore[arg-type]
