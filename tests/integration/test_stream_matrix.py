"""HL equals PyTorch bit for bit on every stream that ships: with every model that fits it, and in every split."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hl_cli.build import Comparison
from hl_cli.errors import BadInput
from tests.covering import FULL, covering, one_in
from tests.integration.test_matrix import EVERYWHERE, SPLITS, STREAMS, WITHOUT_MEMORY, verdict_of
from tests.material import IMAGES, OPTIONS, needs, real

Build = Callable[..., Comparison]
MODELS = [(model, split) for model, splits in {**SPLITS, "module": SPLITS["mlp"]}.items() for split in splits]
MODELS = [pair for pair in MODELS if pair[0] != "oscillators"]  # tests/networks/test_oscillators.py
CASES = [
    ("scenario=gd_a", "dtype=float32", "batch_size=1"),
    ("scenario=mom_b", "dtype=float32", "batch_size=5"),
    ("scenario=mom_b", "dtype=float64", "batch_size=1"),
    ("scenario=gd_b", "dtype=float64", "batch_size=5"),
]
OF_IMAGES = IMAGES | {"digits_by_class", "digits_permuted"}
LONG = {"mnist_pixels"}  # 784 ticks
CHANGING = {"drift", "digits_by_class", "digits_permuted"}


def turn(model: str, split: str) -> list[tuple[str, ...]]:
    """The cases take turns over the splits of a model."""
    return CASES[MODELS.index((model, split)) % 2 :: 2]


def chosen(stream: str, model: str, split: str) -> list[str]:
    own = ["model.factory=tests.material:net"] if model == "module" else []
    own += ["scenario.lr=0.001"] if model == "diagonal" else []  # at a tenth it diverges on values, in both arms
    return [f"stream={stream}", *needs(stream), f"model={model}", f"split={split}", *own]


@one_in(3)
@pytest.mark.parametrize(
    ("stream", "model", "split"),
    covering(
        (stream, model, split)
        for stream in OPTIONS
        for model, split in MODELS
        if stream not in STREAMS and (model in (*EVERYWHERE, "module") or stream in ("mnist_rows", "lorenz", "drift"))
    ),
)
def test_identical_on_every_stream(build: Build, stream: str, model: str, split: str) -> None:
    choice = chosen(stream, model, split)
    if model == "cnn" and stream not in OF_IMAGES:
        with pytest.raises(BadInput, match="model=cnn: the stream gives no images"):
            build(*choice)
        return
    choice += ["stream.period=2", "steps=5"] if stream in CHANGING else ["steps=3"]
    cases = turn(model, split)
    brief = not FULL or (stream in LONG and model not in (*WITHOUT_MEMORY, "module"))
    for case in [cases[OPTIONS.index(stream) % 2]] if brief else cases:
        assert verdict_of(build(*choice, *case)) == "identical", case


@one_in(3)
@pytest.mark.parametrize(
    ("stream", "model", "split", "targets"),
    covering(
        (stream, *net, targets)
        for stream in ("series", "text", "lorenz")
        for net in MODELS
        for targets in ("last", "all")
        if net[0] != "cnn"
    ),
)
def test_identical_wherever_the_target_counts(build: Build, stream: str, model: str, split: str, targets: str) -> None:
    choice = [*chosen(stream, model, split), f"stream.targets={targets}"]
    for case in turn(model, split):
        assert verdict_of(build(*choice, *case, "steps=4")) == "identical", case


@one_in(3)
@pytest.mark.parametrize(
    ("loss", "model", "split"),
    covering((loss, *net) for loss in ("cross_entropy", "mse", "binary") for net in MODELS if net[0] != "cnn"),
)
def test_identical_with_every_loss(build: Build, model: str, split: str, loss: str) -> None:
    choice = [*chosen("breast_cancer", model, split), f"loss={loss}"]
    for case in turn(model, split):
        built = build(*choice, *case, "steps=10")
        assert verdict_of(built) == "identical", case
        assert built.measure.names == ("loss", "accuracy")


@pytest.mark.parametrize(
    "choice",
    [
        ("stream=mnist", "model=mlp", "scenario=gd_b", "steps=200"),
        ("stream=mnist_rows", "model=lstm", "split=state", "steps=20"),
        ("stream=mnist", "model=cnn", "split=state", "batch_size=8", "steps=30"),
    ],
)
def test_identical_on_the_real_mnist(build: Build, choice: tuple[str, ...]) -> None:
    root = real("MNIST").parent
    built = build(*choice, f"stream.root={root}")
    assert (built.stream.train_samples, built.stream.describe().held_out_samples) == (8000, 2000)
    assert verdict_of(built) == "identical"
