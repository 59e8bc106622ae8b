"""Output nets with hidden layers over state nets: still PyTorch's bits, in every split and scheme that runs them."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

import pytest
import torch
from torch import nn

from hl_cli.build import Comparison
from hl_cli.config import MODELS, StateNet
from hl_cli.errors import BadInput
from tests.covering import one_in
from tests.integration.test_matrix import verdict_of

Build = Callable[..., Comparison]
STATE_NETS = [name for name, kind in MODELS.items() if issubclass(kind, StateNet)]


@one_in(4)
@pytest.mark.parametrize("split", ["output", "state", "state_output"])
@pytest.mark.parametrize("model", STATE_NETS)
def test_identical_with_hidden_layers_in_the_head(build: Build, model: str, split: str) -> None:
    for head, batch, dtype in (("[7]", 1, "float32"), ("[9,5]", 3, "float64")):
        built = build(
            f"model={model}", f"split={split}", "stream=digits_rows", f"model.head={head}", f"batch_size={batch}",
            f"dtype={dtype}", "model.hidden=6", "scenario=mom_b", "scenario.lr=0.003", "steps=10",
        )  # fmt: skip
        assert verdict_of(built) == "identical", head


@pytest.mark.parametrize("split", ["state", "state_output"])
@pytest.mark.parametrize("model", ["rnn", "lstm", "rotation"])
def test_identical_to_truncated_bptt_with_zeroed_costates(build: Build, model: str, split: str) -> None:
    built = build(
        "scheme=forward", "scheme.carry=false", "stream=mackey_glass", "stream.ticks=1", f"model={model}",
        f"split={split}", "model.head=[7]", "pytorch.window=1", "scenario.lr=0.001", "steps=20",
    )  # fmt: skip
    assert verdict_of(built) == "identical"


def test_the_head_is_what_it_is_called(build: Build) -> None:
    """Layers of these widths with tanh between them; the whole of it is the output net."""
    built = build("model=rnn", "model.head=[7,5]", "stream=digits_rows", "split=state_output")
    head = built.pytorch.module.head
    widths = [layer.out_features for layer in head if isinstance(layer, nn.Linear)]  # type: ignore[union-attr]
    assert widths == [7, 5, 10] and [type(layer) for layer in head][1::2] == [nn.Tanh, nn.Tanh]  # type: ignore[union-attr]
    split = built.hl.split  # type: ignore[union-attr]
    assert len(split.state) == 1 and split.output is not None and len(split.output.parameters) == 6


@pytest.mark.parametrize("memory", ["store", "segments", "reverse"])
def test_memory_modes_run_it(build: Build, memory: str) -> None:
    choice = ("model=rotation", "model.head=[7]", "stream=digits_rows", "split=state", "dtype=float64")
    choice += ("scenario=gd_b", "scenario.lr=0.001")
    usual, other = build(*choice), build(*choice, f"checkpointing={memory}")
    for sample in islice(usual.stream, 5):
        usual.hl.step(sample)
        other.hl.step(sample)
    for a, b in zip(usual.hl.weights().values(), other.hl.weights().values(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-12)


def test_bad_input(build: Build) -> None:
    with pytest.raises(BadInput, match=r"model.head=\[0\]: allowed: one or more numbers >= 1"):
        build("model=rnn", "model.head=[0]", "stream=digits_rows")
