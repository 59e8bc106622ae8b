"""CSV files that are no series: each ends in one line that names the place, or is a file of other, valid rows."""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hl_cli.errors import BadInput
from hl_cli.streams.series import SeriesStream

LINES = ["time,a,OT", *(f"2016-07-{1 + k // 24:02} {k % 24:02}:00:00,{k % 7}.5,{k * k % 11}" for k in range(60))]
GOOD = ("\n".join(LINES) + "\n").encode()
SMALL = {"time": "time", "lags": 2, "warmup": 3, "dtype": torch.float64}


def changed(line: int, text: str) -> bytes:
    """The good file with another line, counted from 1."""
    return "\n".join([*LINES[: line - 1], text, *LINES[line:]]).encode()


def message(path: Path, data: bytes, **options: object) -> str:
    path.write_bytes(data)
    with pytest.raises(BadInput) as caught:
        SeriesStream(str(path), **{"target": "OT", **SMALL, **options})  # type: ignore[arg-type]
    said = str(caught.value)
    assert "\n" not in said and "allowed: " in said
    return said


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is empty"),
        (b"\n" + GOOD, "line 1 is empty"),
        (GOOD[:10], "has 0 rows"),
        ("\n".join(LINES[:7]).encode(), "has 6 rows, 5 to train on and 1 held out"),
        (b"1,2,3\n" + GOOD, "line 1 is numbers"),
        (b"time,,OT\n" + GOOD, "column 2 of 3 has no name"),
        (b"time,OT,OT\n" + GOOD, "two columns are named 'OT'"),
        (changed(5, "2016-07-01 03:00:00,1_000,2"), "(61 lines read): a: 1 '1_000', first line 5; allowed: finite"),
        (changed(5, "2016-07-01 03:00:00,\u0663,2"), "a: 1 '\u0663', first line 5"),
        (GOOD[:100] + b"\xff" + GOOD[100:], "offset 100: byte 0xff is not UTF-8"),
        (GOOD[:100] + b"\0" + GOOD[100:], "byte 100 is NUL"),
        (GOOD.decode().encode("utf-16"), "offset 0: byte 0xff is not UTF-8"),
        (GOOD.replace(b"\n", b"\r"), "line 1: new-line character"),
        (GOOD[:-1] + b" " * 2**20, "longer than 1048576 bytes"),
        (changed(5, "2016-07-01 03:00:00,1"), "1 row has not the 3 cells of the header, first line 5 with 2"),
        (changed(5, "2016-07-01 03:00:00,1,2,3"), "1 row has not the 3 cells of the header, first line 5 with 4"),
        (changed(5, ""), "1 row has not the 3 cells of the header, first line 5 with 0"),
        (changed(5, '2016-07-01 03:00:00,"1,2'), "unexpected end of data"),
        (changed(5, "2016-07-01 03:00:00,,2"), "a: 1 empty, first line 5; allowed: stream.missing=ffill"),
        (changed(5, "2016-07-01 03:00:00,word,2"), "a: 1 'word', first line 5; allowed: finite"),
        (changed(5, "2016-07-01 03:00:00,1,nan"), "OT: 1 'nan', first line 5; allowed: stream.missing=ffill"),
        (changed(5, "2016-07-01 03:00:00,-inf,1"), "a: 1 '-inf', first line 5"),
        (changed(5, "2016-07-01 03:00:00,1e300,1"), "a: 1 '1e+300', first line 5"),
        (changed(5, '2016-07-01 03:00:00,"1,5",1'), "a: 1 '1,5', first line 5, decimal commas; allowed: stream.dec"),
        (changed(5, '2016-07-01 03:00:00,"two\nlines",1'), "a: 1 'two\\nlines', first line 5"),
        (changed(5, "2016-07-01 02:00:00,1,1"), "time: '2016-07-01 02:00:00' is not later than the row before, line 5"),
        (changed(5, "noon,1,1"), "time: 'noon' is no ISO time, line 5"),
        (changed(5, "2016-07-01 03:00:00+00:00,1,1"), "time: '2016-07-01 03:00:00+00:00' is no ISO time, line 5"),
        (changed(2, "noon,1,1"), "time: 'noon' is no number or time; stream.time_format="),
    ],
)  # fmt: skip
def test_the_message_names_the_place(tmp_path: Path, data: bytes, said: str) -> None:
    got = message(tmp_path / "bad.csv", data)
    assert got.startswith(f"stream.path={tmp_path / 'bad.csv'}: ") and said in got


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            {"target": "OT1"},
            "stream.target=OT1: no such column in some.csv; did you mean 'OT'? allowed: 'time', 'a', 'OT'",
        ),
        ({"time": "b"}, "stream.time=b: no such column"),
        ({"inputs": ["a", "b"]}, "stream.inputs=b: no such column"),
        ({"inputs": []}, "stream.inputs=[]: allowed: one or more columns"),
        ({"inputs": ["a", "a"]}, "stream.inputs=['a', 'a']: allowed: one or more columns"),
        ({"inputs": ["time", "a"], "time": None}, "time: dates, use stream.time=time; allowed: stream.time=COLUMN"),
        ({"time_format": "noon"}, "stream.time_format=noon: allowed: a format of datetime.strptime"),
        ({"time_format": "%H:%M"}, "time: '2016-07-01 00:00:00' is no time as %H:%M, line 2"),
        ({"categorical": ["a"], "inputs": ["a"]}, "stream.categorical=['a']: allowed: columns that are neither"),
        ({"encoding": "utf-99"}, "stream.encoding=utf-99: allowed: an encoding of Python"),
        ({"decimal": ","}, "a: 60 such as '0.5', '1.5', '2.5', first line 2"),
        ({"lags": 12}, "has 60 rows, 48 to train on and 12 held out; allowed: at least 16 "),
        ({"lags": 1, "warmup": 47}, "allowed: at least 49 "),
        ({"batch_size": 44}, "allowed: at least 49 "),
        ({"horizon": 11}, "and 13 (lags, horizon)"),
        ({"targets": "all", "batch_size": 23}, "allowed: at least 50 "),
    ],
)
def test_the_message_names_the_field(tmp_path: Path, options: dict[str, object], said: str) -> None:
    assert said in message(tmp_path / "some.csv", GOOD, **options)


def test_the_least_that_is_allowed_is_enough(tmp_path: Path) -> None:
    path = tmp_path / "some.csv"
    path.write_bytes(GOOD)
    for options in (
        {"lags": 1, "warmup": 46},
        {"batch_size": 43},
        {"targets": "all", "batch_size": 22},
        {"horizon": 10},
    ):
        stream = SeriesStream(str(path), "OT", **{**SMALL, **options})  # type: ignore[arg-type]
        assert len(list(stream)) == stream.length
        assert stream.length == 1 or "horizon" in options


def test_lines_are_counted_over_pieces(tmp_path: Path) -> None:
    data = ("time,OT\n" + "".join(f"{k},{k % 5}\n" for k in range(9000))).encode()
    assert "OT: 1 'x', first line 8002" in message(tmp_path / "long.csv", data.replace(b"\n8000,0", b"\n8000,x"))
    assert "'7998.5' is not later than the row before, line 8002" in message(
        tmp_path / "long.csv", data.replace(b"\n8000,", b"\n7998.5,")
    )


def test_all_that_is_unusable_is_said_at_once(tmp_path: Path) -> None:
    rows = [[f"{k}", f"{k % 7}.5", f"{k % 9}", f"2024-01-{1 + k % 28:02}", "sun"] for k in range(6000)]
    for k in (65, 66, 5000):
        rows[k][1] = " "
    for k in (490, 5500):
        rows[k][2] = "n/a"
    rows[700][2] = "7,5"
    del rows[800][4]
    rows[900][0] = "7"
    data = "\n".join(
        ["hour,temp,load,ts,sky", *map(",".join, (['"7,5"' if c == "7,5" else c for c in r] for r in rows))]
    )
    said = message(tmp_path / "bad.csv", data.encode(), target="load", time="hour")
    assert said == (
        f"stream.path={tmp_path / 'bad.csv'}: cannot be used as it is (6001 lines read): "
        "1 row has not the 5 cells of the header, first line 802 with 4; "
        "temp: 3 empty, first line 67; load: 2 'n/a', first line 492, 1 '7,5', first line 702; "
        "ts: dates, use stream.time=ts; sky: 5999 'sun', first line 2; "
        "hour: '7' is not later than the row before, line 902; "
        "allowed: the same number of cells in each row, stream.missing=ffill (the last value) or skip (no such row), "
        "finite numbers up to 1e30 in the columns of stream.inputs and stream.target, words in those of "
        "stream.categorical, stream.time=COLUMN, numbers or times in order"
    )


def test_no_file(tmp_path: Path) -> None:
    for path, said in ((tmp_path, "is a folder"), (tmp_path / "none.csv", "No such file"), ("a\0b", "null byte")):
        with pytest.raises(BadInput, match=said) as caught:
            SeriesStream(str(path), "OT")
        assert "\n" not in str(caught.value)
    if os.geteuid() == 0:
        return  # who may read everything
    locked = tmp_path / "locked.csv"
    locked.write_bytes(GOOD)
    locked.chmod(0)
    with pytest.raises(BadInput, match="Permission denied"):
        SeriesStream(str(locked), "OT")


def test_a_file_that_changes(tmp_path: Path) -> None:
    path = tmp_path / "live.csv"
    path.write_bytes(GOOD)
    stream = SeriesStream(str(path), "OT", **SMALL)  # type: ignore[arg-type]
    state = stream.state_dict()
    path.write_bytes(GOOD + b"2016-07-03 12:00:00,1,1\n")
    with pytest.raises(BadInput, match="has changed on disk"):
        next(stream)
    with pytest.raises(BadInput, match="when the state was saved"):
        SeriesStream(str(path), "OT", **SMALL).load_state_dict(state)  # type: ignore[arg-type]


WORDS = st.sampled_from(
    ["", "nan", "inf", "abc", "1e400", "1,5", '"', '"x"', "1_0", " 7 ", "2016-07-01 00:00:00", "\n"]
)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """The good file, cut, with bytes put in, cells replaced, cells dropped, or lines gone."""
    data = GOOD
    for _ in range(draw(st.integers(1, 2))):
        kind = draw(st.sampled_from(["cut", "bytes", "cell", "drop", "line", "tail"]))
        place = draw(st.integers(0, len(data)))
        rows = [line.split(b",") for line in data.split(b"\n")]
        k = draw(st.integers(0, len(rows) - 1))
        j = draw(st.integers(0, len(rows[k]) - 1))
        if kind == "cut":
            data = data[:place]
        elif kind == "bytes":
            data = data[:place] + draw(st.binary(min_size=1, max_size=4)) + data[place:]
        else:
            if kind == "cell":
                rows[k][j] = draw(WORDS).encode()
            elif kind == "drop":
                del rows[k][j]
            else:
                rows = rows[:k] + (rows[k + 1 :] if kind == "line" else [])
            data = b"\n".join(b",".join(row) for row in rows)
    return data


@given(damaged(), st.sampled_from(["time", None]))
def test_damage_is_named_or_leaves_valid_rows(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, time: str | None
) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.csv"
    path.write_bytes(data)
    try:
        stream = SeriesStream(str(path), "OT", inputs=["OT"], lags=1, warmup=2, time=time, dtype=torch.float64)
    except BadInput as error:
        assert "\n" not in str(error)
        return
    rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="\n"), strict=True))
    column = [name.strip() for name in rows[0]].index("OT")
    values = torch.tensor([float(row[column]) for row in rows[1:]], dtype=torch.float64)
    end = len(values) - round(len(values) * 0.2)
    assert stream.origin.startswith(f"damaged.csv, {len(values)} rows: ")
    seen = list(stream)
    assert len(seen) == end - 3 and len(stream.held_out().inputs) == len(values) - end - 1
    for t, sample in enumerate(seen, start=2):
        mean, spread = values[: t + 1].mean(), values[: t + 1].std(correction=0)
        expected = (values[[t, t + 1]] - mean) / torch.where(spread > 0, spread, 1.0)
        torch.testing.assert_close(torch.cat((sample.inputs.flatten(), sample.target.flatten())), expected)
