"""Bad input to streams is refused by the command in one line that names the field, and nothing is left behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.covering import one_in
from tests.integration.test_bad_input import Command, command, content, logging_as_before
from tests.material import folder

__all__ = ["command", "logging_as_before"]  # the fixtures

CSV = "stream=series stream.path=good.csv stream.target=b"
MISSING = [
    ("stream=series", "stream.path=???: allowed: a value; CSV file with a header"),
    ("stream=series stream.path=good.csv", "stream.target=???"),
    ("stream=text", "stream.path=???"),
    ("stream=plugin", "stream.factory=???"),
    ("stream=series stream.path=nowhere.csv stream.target=b", "stream.path=nowhere.csv"),
    ("stream=series stream.path=full stream.target=b", "stream.path=full"),
    ("stream=text stream.path=nowhere.txt", "stream.path=nowhere.txt"),
    ("stream=mnist stream.root=nowhere", "stream.root=nowhere"),
    ("stream=cifar10 stream.root=full", "stream.root=full"),
]
DAMAGED = [
    ("stream=series stream.path=empty stream.target=b", "stream.path=empty"),
    ("stream=series stream.path=hole.csv stream.target=b", "line 5"),
    ("stream=series stream.path=comma.csv stream.target=b", "decimal"),
    ("stream=series stream.path=short.csv stream.target=b", "rows"),
    ("stream=text stream.path=latin.txt", "offset 3: byte 0xe9 is not UTF-8"),
    ("stream=text stream.path=empty", "stream.path=empty"),
]
VALUES = [
    (f"{CSV} stream.target=c", "stream.target=c"),
    (f"{CSV} stream.inputs=[a,z]", "stream.inputs"),
    (f"{CSV} stream.inputs=[]", "stream.inputs=[]: allowed: one or more"),
    (f"{CSV} stream.horizon=0", "stream.horizon=0: allowed: a number >= 1"),
    (f"{CSV} stream.lags=5000", "rows"),
    (f"{CSV} stream.targets=first", "stream.targets=first: allowed: last, all"),
    (f"{CSV} batch_size=900", "rows"),
    ("stream=mnist stream.ticks=5", "stream.ticks=5"),
    ("stream=sine stream.frequencies=[0.1]", "stream.frequencies"),
    ("stream=sine stream.amplitudes=[.nan,1,1]", "stream.amplitudes"),
    ("stream=sine stream.step=0", "stream.step=0"),
    ("stream=pendulum stream.angle=4", "stream.angle=4"),
    ("stream=signal_school stream.signals=[8]", "stream.signals=[8]"),
    ("stream=signal_school stream.lecture=15", "stream.lecture=15"),
    ("stream=river stream.dataset=Phisching", "Phishing"),
    ("stream=river stream.dataset=synth.SEA +stream.options.foo=1", "stream.options.foo"),
    ("stream=drift stream.period=0", "stream.period=0"),
    ("stream=drift stream.period=5 stream.blend=5", "stream.blend=5: allowed: 0 up to 4"),
    ("stream=drift stream.change=permuted", "stream.change=permuted: has 2 streams; allowed: one"),
    ("stream=drift stream@stream.streams.a=digits", "allowed: streams of one shape"),
    ("stream=drift stream@stream.streams.a=foo", "foo"),
    ("stream=drift stream.streams.a=lorenz", "a stream is chosen with an @: stream@stream.streams.a=lorenz"),
    ("stream=drift +stream@stream.streams.a=lorenz", "there is one of this name already: leave out the +"),
    ("path=F.csv", "did you mean paths, stream.path?"),
    ("stream=MNIST", "did you mean mnist? allowed: "),
    ("stream=series stream.inputs=OT", "stream.inputs=OT: allowed: a list, such as [OT]"),
    ("stream=digits_by_class stream@stream.streams.a=lorenz", "stream.change=classes"),
    ("stream=digits_by_class stream.streams.a.held_out=2", "stream.streams.a.held_out=2.0: allowed: a number > 0"),
    ("stream=digits_by_class stream.streams.a.dataset=foo", "stream.streams.a.dataset=foo: allowed: digits"),
    ("stream=sine loss=cross_entropy", "loss=cross_entropy: the stream asks for values"),
    ("loss=binary", "loss=binary: the stream has 10 classes"),
    ("loss=foo", "loss=foo: allowed: cross_entropy, mse, binary"),
    ("stream=iris model=cnn", "model=cnn: the stream gives no images"),
    ("model=cnn model.channels=[4,4,4,4]", "model.channels"),
    ("model=cnn model.channels=[0]", "model.channels=[0]"),
]


@pytest.fixture
def files(tmp_path: Path) -> None:
    """Good and damaged files beside the command."""
    rows = [f"{k},{k % 7}.5" for k in range(600)]
    (tmp_path / "good.csv").write_text("\n".join(["a,b", *rows]) + "\n")
    (tmp_path / "hole.csv").write_text("\n".join(["a,b", *rows[:3], "3,", *rows[4:]]) + "\n")
    (tmp_path / "comma.csv").write_text("\n".join(["a;b", *(f"{k};{k % 7},5" for k in range(600))]) + "\n")
    (tmp_path / "short.csv").write_text("\n".join(["a,b", *rows[:20]]) + "\n")
    (tmp_path / "latin.txt").write_bytes("abcé".encode("latin-1") * 50)
    (tmp_path / "empty").write_bytes(b"")


@one_in(4)
@pytest.mark.usefixtures("files")
@pytest.mark.parametrize(("arguments", "names"), [*MISSING, *DAMAGED, *VALUES])
def test_one_line_that_names_the_field_and_nothing_left(
    arguments: str, names: str, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HL_DATA_ROOT", str(folder()))
    before = content(tmp_path)
    said = command(arguments)
    assert (said.code, said.out) == (1, "")
    assert said.err.startswith("hl-run: ") and said.err.count("\n") == 1
    assert names in said.err
    assert content(tmp_path) == before
