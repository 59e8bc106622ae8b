"""CSV files as people have them: gaps, decimal commas, dates of all kinds, words, packed files."""

from __future__ import annotations

import builtins
import gzip
import zipfile
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import torch

from hl_cli.errors import BadInput
from hl_cli.streams.series import SeriesStream
from tests import laws
from tests.bits import same

SMALL: dict[str, Any] = {"lags": 2, "warmup": 3, "dtype": torch.float64}
ROWS = [(f"{k % 7}.5", f"{k * k % 11}") for k in range(60)]
PLAIN = "a,OT\n" + "".join(f"{a},{b}\n" for a, b in ROWS)


def read(path: Path, data: str | bytes, **options: Any) -> SeriesStream:
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return SeriesStream(str(path), "OT", **{**SMALL, **options})


def give_the_same(one: SeriesStream, other: SeriesStream) -> None:
    """All samples and the held-out part."""
    first, second = list(one), list(other)
    assert len(first) == len(second) > 20
    assert all(same(a, b) for a, b in zip(first, second, strict=True))
    assert same(one.held_out(), other.held_out())


@pytest.mark.parametrize(
    ("data", "options"),
    [
        (PLAIN + "\n \n\n", {}),
        (PLAIN + ",\n,\n", {}),
        ("sep=;\n" + PLAIN.replace(",", ";"), {}),
        ("SEP=\t\r\n" + PLAIN.replace(",", "\t").replace("\n", "\r\n"), {}),
        (PLAIN.replace(",", ";").replace(".", ","), {"decimal": ","}),
        (PLAIN.replace(",", ";").replace(".", ","), {"decimal": "comma"}),
        (PLAIN.encode("utf-16"), {"encoding": "utf-16"}),
    ],
)
def test_the_same_rows_in_another_form(tmp_path: Path, data: str | bytes, options: dict[str, Any]) -> None:
    give_the_same(read(tmp_path / "plain.csv", PLAIN), read(tmp_path / "other.csv", data, **options))


@pytest.mark.parametrize("kind", ["csv.gz", "zip", "CSV.GZ"])
def test_packed_files(tmp_path: Path, kind: str) -> None:
    many = "a,OT\n" + "".join(f"{k % 7}.5,{k * k % 11}\n" for k in range(9000))
    path = tmp_path / f"data.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("inner.csv", many.encode("latin-1"))
    else:
        path.write_bytes(gzip.compress(many.encode("latin-1")))
    plain = read(tmp_path / "plain.csv", many)
    give_the_same(plain, SeriesStream(str(path), "OT", **SMALL))
    give_the_same(read(tmp_path / "plain.csv", many), SeriesStream(str(path), "OT", encoding="latin-1", **SMALL))
    for stop in (10, 4094, 6000):
        laws.stream_resumes_anywhere(lambda: SeriesStream(str(path), "OT", **SMALL), stop, 300)
    packed = path.read_bytes()
    for damaged in (packed[: len(packed) // 2], packed[:60] + b"xxxx" + packed[64:]):
        path.write_bytes(damaged)
        with pytest.raises(BadInput, match=r"cannot be unpacked: .*; allowed: a CSV file"):
            SeriesStream(str(path), "OT", **SMALL)


def test_a_zip_of_two_files_and_a_wrong_encoding(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as archive:
        archive.writestr("a.csv", PLAIN)
        archive.writestr("b.csv", PLAIN)
    with pytest.raises(BadInput, match="has 2 files; allowed: a zip of one CSV file"):
        SeriesStream(str(tmp_path / "two.zip"), "OT")
    with pytest.raises(BadInput, match=r"near byte 5 is not cp1252; allowed: stream.encoding="):
        read(tmp_path / "bad.csv", PLAIN.encode().replace(b"0.5", b"\x81.5", 1), encoding="cp1252")


def test_parquet(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    a, b = zip(*((float(x), int(y)) for x, y in ROWS), strict=True)
    parquet.write_table(arrow.table({"a": a, "OT": b}), tmp_path / "data.parquet")
    give_the_same(read(tmp_path / "plain.csv", PLAIN), SeriesStream(str(tmp_path / "data.parquet"), "OT", **SMALL))
    (tmp_path / "data.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(BadInput, match="is no usable parquet file"):
        SeriesStream(str(tmp_path / "data.parquet"), "OT")


def test_parquet_without_pyarrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def without(name: str, *rest: Any, found: Any = builtins.__import__) -> Any:
        if name.startswith("pyarrow"):
            raise ImportError(name)
        return found(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(BadInput, match=r'parquet needs pyarrow: pip install "hl-run\[parquet\]"'):
        read(tmp_path / "data.parquet", PLAIN)


def gaps(text: str, where: dict[int, int]) -> str:
    """The plain file with `text` in some cells: {row: column}."""
    rows = [list(row) for row in ROWS]
    for k, j in where.items():
        rows[k][j] = text
    return "a,OT\n" + "".join(",".join(row) + "\n" for row in rows)


@pytest.mark.parametrize("text", ["", " ", "NA", "n/a", "NaN", "null", "-"])
def test_missing_values(tmp_path: Path, text: str) -> None:
    where = {10: 0, 11: 0, 12: 1, 40: 1, 59: 0}
    with pytest.raises(BadInput, match=r"a: 3 .*, first line 12; OT: 2 .*; allowed: stream.missing=ffill"):
        read(tmp_path / "gaps.csv", gaps(text, where))
    filled = [list(row) for row in ROWS]
    for k, j in where.items():
        filled[k][j] = filled[k - 1][j]
    whole = "a,OT\n" + "".join(",".join(row) + "\n" for row in filled)
    give_the_same(read(tmp_path / "a.csv", gaps(text, where), missing="ffill"), read(tmp_path / "b.csv", whole))
    left = "a,OT\n" + "".join(f"{a},{b}\n" for k, (a, b) in enumerate(ROWS) if k not in where)
    give_the_same(read(tmp_path / "a.csv", gaps(text, where), missing="skip"), read(tmp_path / "b.csv", left))


def test_a_row_with_nothing_above_to_fill_it_is_left_out(tmp_path: Path) -> None:
    give_the_same(
        read(tmp_path / "a.csv", gaps("", {0: 0, 1: 0}), missing="ffill"),
        read(tmp_path / "b.csv", "a,OT\n" + "".join(f"{a},{b}\n" for a, b in ROWS[2:])),
    )


@pytest.mark.parametrize("missing", ["ffill", "skip"])
def test_gaps_over_pieces_resume_anywhere(tmp_path: Path, missing: str) -> None:
    text = "".join(f"{'' if k % 5 == 4 else k % 7},{'' if 4090 < k < 4100 else k % 11}\n" for k in range(12000))
    (tmp_path / "long.csv").write_text("a,OT\n" + text)

    def make() -> SeriesStream:
        return SeriesStream(str(tmp_path / "long.csv"), "OT", missing=missing, **SMALL)

    for stop in (1, 3270, 4080, 4095, 7000):
        laws.stream_resumes_anywhere(make, stop, 300)


def times(form: list[str]) -> str:
    return "when,OT\n" + "".join(f"{text},{k * k % 11}\n" for k, text in enumerate(form))


FORMS = {
    "Monday to Friday": [
        f"2024-{m:02}-{d:02}" for m in (1, 4, 7) for w in range(4) for d in range(1 + 7 * w, 6 + 7 * w)
    ],
    "nanoseconds": [str(1_700_000_000_000_000_000 + k) for k in range(60)],
    "fractions": [f"1700000000.{k:09}" for k in range(60)],
    "compact": [f"2024{m:02}{d:02}" for m in (1, 2) for d in range(1, 30)],
    "German": [f"{d:02}.{m:02}.2024 13:05" for m in (1, 2) for d in range(1, 30)],
    "British": [f"{d:02}/{m:02}/2024" for m in (1, 2) for d in range(1, 30)],
    "American": [f"{m:02}/{d:02}/2024 1:05 PM" for m in (1, 2) for d in range(1, 30)],
    "zoned": [f"2024-01-{d:02}T10:00:00Z" for d in range(1, 32)],
}


@pytest.mark.parametrize("name", FORMS)
def test_times_order_and_label(tmp_path: Path, name: str) -> None:
    form = FORMS[name]
    inputs: dict[str, Any] = {"inputs": ["OT"], "time": "when", "horizon": 2}
    stream = read(tmp_path / "t.csv", times(form), **inputs)
    assert stream.label()
    labels = [time for sample in stream for time in sample.units[2]]  # type: ignore[index]
    end = len(form) - round(len(form) * 0.2)
    assert labels == form[3 + 1 + 2 : end]  # warmup, the first window's last row, the horizon
    swapped = [*form[:20], form[21], form[20], *form[22:]]
    with pytest.raises(BadInput, match=rf"when: '{form[20]}' is not later than the row before, line 23"):
        read(tmp_path / "t.csv", times(swapped), **inputs)


def test_labels_go_on_where_a_stream_is_resumed(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("when,OT\n" + "".join(f"{k},{k % 11}\n" for k in range(9000)))

    def make() -> SeriesStream:
        stream = SeriesStream(str(tmp_path / "t.csv"), "OT", time="when", horizon=3, **SMALL)
        stream.label()
        return stream

    first, second = make(), make()
    list(islice(first, 4091))
    second.load_state_dict(first.state_dict())
    for a, b in islice(zip(first, second, strict=True), 20):
        assert a.units is not None and b.units is not None and a.units[2] == b.units[2] != []


def test_uneven_times_are_told(tmp_path: Path) -> None:
    stream = read(tmp_path / "t.csv", times(FORMS["Monday to Friday"]), time="when")
    assert stream.origin.endswith("; its times are uneven, 1 day, 0:00:00 to 66 days, 0:00:00 apart")
    even = read(tmp_path / "t.csv", times([str(k) for k in range(60)]), time="when")
    assert "uneven" not in even.origin


def test_a_column_of_dates_is_found(tmp_path: Path) -> None:
    stream = read(tmp_path / "t.csv", times(FORMS["German"]))
    assert stream.features == 1 and stream.label()
    named = read(tmp_path / "t.csv", times(FORMS["compact"]).replace("when", "Date"))
    assert named.features == 1 and named.label()
    number = read(tmp_path / "t.csv", times([str(k) for k in range(60)]))
    assert number.features == 2 and not number.label()
    back = read(tmp_path / "t.csv", times(FORMS["German"][::-1]))
    assert back.features == 1 and not back.label()  # not asked for: no times


def test_words_have_places_in_the_order_in_which_they_appear(tmp_path: Path) -> None:
    words = ["sun" if k < 10 else ("rain", "sun", "snow")[k % 3] for k in range(60)]

    def text(rows: list[str]) -> str:
        return "sky,a,OT\n" + "".join(f"{w},{a},{b}\n" for w, (a, b) in zip(rows, ROWS, strict=True))

    plain = read(tmp_path / "b.csv", PLAIN)
    stream = read(tmp_path / "a.csv", text(words), categorical=["sky"])
    places = list(dict.fromkeys(words))
    assert stream.features == plain.features + 3
    for k, (seen, bare) in enumerate(zip(stream, plain, strict=True)):
        assert torch.equal(seen.inputs[..., :2], bare.inputs)
        expected = [[float(words[3 + k + j] == place) for place in places] for j in (0, 1)]
        assert seen.inputs[0, :, 2:].tolist() == expected
    other = read(tmp_path / "c.csv", text([*words[:40], *("hail" for _ in range(20))]), categorical=["sky"])
    again = read(tmp_path / "d.csv", text(words), categorical=["sky"])
    for a, b in islice(zip(again, other, strict=True), 30):  # later rows change no place of an earlier one
        assert torch.equal(a.inputs, b.inputs[..., : a.inputs.shape[2]])
    with pytest.raises(BadInput, match=r"sky: 60 such as 'sun', .*|sky: .* words in those of stream.categorical"):
        read(tmp_path / "a.csv", text(words))
    many = [f"w{k}" for k in range(60)]
    assert read(tmp_path / "a.csv", text(many), categorical=["sky"]).features == 62
