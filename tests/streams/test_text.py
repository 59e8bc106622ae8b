"""Text files: the laws, every character against the file itself, and what is no text."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hl_cli.errors import BadInput
from hl_cli.streams.text import MOST_SYMBOLS, TextStream
from hl_cli.types import Sample
from tests import laws

ENDS = "\n", "\r\n", "\r"
# More than two pieces, characters of 1, 2, 3 and 4 bytes, and all line ends.
TEXT = "".join(f"{k * k % 97} né {'日本' * (k % 3)} {chr(0x1F600 + k % 5)}{ENDS[k % 3]}" for k in range(1000))
HELD_OUT = round(len(TEXT) * 0.1)
CIRCLE = TEXT[: len(TEXT) - HELD_OUT]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("text") / "some.txt"
    path.write_bytes(TEXT.encode())
    return str(path)


def maker(path: str, **options: object) -> Callable[[], TextStream]:
    return lambda: TextStream(path, **options)  # type: ignore[arg-type]


def spelled(stream: TextStream, sample: Sample) -> tuple[list[str], str]:
    """The characters that the samples show, each sample on its own, and those that they ask for."""
    assert sample.target is not None
    assert bool(((sample.inputs == 0) | (sample.inputs == 1)).all()) and bool((sample.inputs.sum(2) == 1).all())
    seen = ["".join(stream.vocabulary[k] for k in row) for row in sample.inputs.argmax(2).tolist()]
    return seen, "".join(stream.vocabulary[k] for k in sample.target.tolist())


@pytest.mark.parametrize("targets", ["last", "all"])
@pytest.mark.parametrize("batch", [1, 5])
def test_laws(path: str, targets: str, batch: int) -> None:
    make = maker(path, ticks=4, targets=targets, batch_size=batch, dtype=torch.float64)
    laws.stream_has_its_shapes(make(), batch, torch.float64)
    laws.stream_is_the_same_again(make, 1000)
    for stop in (0, 1, 818, 1030, 4095, len(CIRCLE) - 3):
        laws.stream_resumes_anywhere(make, stop, 200)


@pytest.mark.parametrize("targets", ["last", "all"])
@pytest.mark.parametrize(("batch", "ticks"), [(1, 1), (1, 16), (3, 4)])
def test_samples_spell_the_text_round_and_round(path: str, targets: str, batch: int, ticks: int) -> None:
    every = targets == "all"
    stream = maker(path, targets=targets, batch_size=batch, ticks=ticks)()
    assert stream.vocabulary == "".join(sorted(set(TEXT))) and stream.task.symbols
    assert stream.length is None and stream.train_samples == (len(CIRCLE) // ticks if every else len(CIRCLE))
    long = CIRCLE * 3
    for k, sample in enumerate(islice(stream, 2 * stream.train_samples // batch)):
        starts = [(k * batch + j) * (ticks if every else 1) for j in range(batch)]
        seen, asked = spelled(stream, sample)
        assert seen == [long[s : s + ticks] for s in starts]
        assert asked == "".join(long[s + 1 if every else s + ticks : s + ticks + 1] for s in starts)


def test_the_end_is_held_out(path: str) -> None:
    late = TEXT[len(CIRCLE) :]
    stream = maker(path, ticks=5)()
    seen, asked = spelled(stream, stream.held_out())
    assert seen == [late[k : k + 5] for k in range(HELD_OUT - 5)] and asked == late[5:]
    stream = maker(path, ticks=5, targets="all")()
    seen, asked = spelled(stream, stream.held_out())
    last = (HELD_OUT - 1) // 5 * 5
    assert "".join(seen) == late[:last] and asked == late[1 : last + 1]
    assert stream.origin == f"some.txt, {len(TEXT)} characters"


def test_no_more_than_so_many_are_held_out(tmp_path: Path) -> None:
    path = tmp_path / "long.txt"
    path.write_bytes(("é" + "ab" * 600_000).encode())  # more than the scan reads at once
    stream = maker(str(path), ticks=1)()
    assert len(stream.held_out().inputs) == 10_000 - 1
    assert stream.train_samples == 1_200_001 - 10_000


def message(path: Path, data: bytes, **options: object) -> str:
    path.write_bytes(data)
    with pytest.raises(BadInput) as caught:
        TextStream(str(path), **options)  # type: ignore[arg-type]
    said = str(caught.value)
    assert said.startswith(f"stream.path={path}: ") and "\n" not in said and "allowed: " in said
    return said


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is empty"),
        (b"abc", "has 3 characters, 3 to train on and 0 held out; allowed: at least 16 (ticks, batch) and 17 "),
        (b"ab" * 84, "has 168 characters, 151 to train on and 17 held out"),
        (b"\n" * 500, r"has one character only, '\n'"),
        (b"ab" * 500 + b"\xe9" + b"ab", "offset 1000: byte 0xe9 is not UTF-8"),
        ("né".encode() * 500 + "日".encode()[:2], "offset 1500: byte 0xe6 is not UTF-8"),
        (b"a" * (2**20 - 1) + b"\xc3" + b"a", f"offset {2**20 - 1}: byte 0xc3 is not UTF-8"),
        ("".join(map(chr, range(MOST_SYMBOLS + 1))).encode(), "more than 8192 different characters"),
    ],
)
def test_what_is_no_text(tmp_path: Path, data: bytes, said: str) -> None:
    options = {"batch_size": 137} if len(data) == 168 else {}
    assert said in message(tmp_path / "bad.txt", data, **options)


def test_no_file_and_a_file_that_changes(tmp_path: Path) -> None:
    for missing, said in ((tmp_path, "is a folder"), (tmp_path / "none.txt", "No such file")):
        with pytest.raises(BadInput, match=said):
            TextStream(str(missing))
    path = tmp_path / "live.txt"
    path.write_bytes(TEXT.encode())
    stream = TextStream(str(path))
    state = stream.state_dict()
    path.write_bytes(TEXT.encode() + b"more")
    with pytest.raises(BadInput, match="has changed on disk"):
        list(islice(stream, 2))
    with pytest.raises(BadInput, match="when the state was saved"):
        TextStream(str(path)).load_state_dict(state)


@given(st.data())
def test_damage_is_named_or_leaves_a_text(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    good = TEXT[:300].encode()
    place = data.draw(st.integers(0, len(good)))
    bad = good[:place] + data.draw(st.binary(max_size=6)) + data.draw(st.sampled_from([b"", good[place:]]))
    path = tmp_path_factory.getbasetemp() / "damaged.txt"
    path.write_bytes(bad)
    try:
        stream = TextStream(str(path), ticks=3)
    except BadInput as error:
        assert "\n" not in str(error)
        return
    text = bad.decode()  # raises where it is no text
    late, asked = spelled(stream, stream.held_out())
    samples = list(islice(stream, stream.train_samples))
    assert len(samples) + len(late) + 3 == len(text)
    assert "".join(spelled(stream, sample)[0][0][0] for sample in samples) + late[0] + asked == text
