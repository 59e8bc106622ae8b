"""Weights that move every few learning periods, by their mean gradient: in HL and PyTorch alike."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

import pytest
import torch

from hl_cli.build import Comparison
from hl_cli.errors import BadInput
from tests import laws

Build = Callable[..., Comparison]
LIVING = ("scheme=forward", "stream=lorenz", "stream.ticks=1", "model.hidden=4", "update_every=3")
CASES = [
    ("model=mlp", "stream=digits", "scenario=mom_b", "update_every=4"),
    (*LIVING, "model=gru", "scheme.carry=false", "arms.pytorch.window=1", "scenario=mom_b", "clip=0.5"),
    (*LIVING, "model=elementwise_lstm", "credit=eligibility", "arms.pytorch.credit=rtrl", "scenario=mom_b"),
]


@pytest.mark.parametrize("overrides", CASES)
def test_hl_and_pytorch_move_alike(build: Build, overrides: tuple[str, ...]) -> None:
    built = build(*overrides)
    every, still = built.hl.update_every, [w.clone() for w in built.hl.weights().values()]
    for step, sample in enumerate(islice(built.stream, 5 * every), 1):
        built.hl.step(sample)
        built.pytorch.step(sample)
        moved = not all(torch.equal(a, b) for a, b in zip(still, built.hl.weights().values(), strict=True))
        assert moved == (step % every == 0)
        still = [w.clone() for w in built.hl.weights().values()]
    exact = "credit=eligibility" not in overrides
    for mine, other in zip(built.hl.weights().values(), built.pytorch.weights().values(), strict=True):
        assert torch.equal(mine, other) if exact else torch.allclose(mine, other, rtol=1e-4, atol=1e-6)


def test_it_is_the_mean_of_the_gradients(build: Build) -> None:
    """Two samples gathered are one batch of two."""
    gathered, batch = (build("scenario=gd_a", "dtype=float64", one) for one in ("update_every=2", "batch_size=2"))
    samples = list(islice(gathered.stream, 2))
    both = samples[0]._replace(
        inputs=torch.cat([s.inputs for s in samples]), target=torch.cat([s.target for s in samples])
    )
    for sample in samples:
        gathered.hl.step(sample)
    batch.hl.step(both)
    for mine, other in zip(gathered.hl.weights().values(), batch.hl.weights().values(), strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("arm", ["hl", "pytorch"])
@pytest.mark.parametrize("overrides", CASES)
def test_it_goes_on_between_two_weight_steps(build: Build, overrides: tuple[str, ...], arm: str) -> None:
    laws.learner_goes_on_from_its_state(lambda: build(*overrides).arms[arm].learner, build(*overrides).stream, 10)


def test_a_window_is_as_many_ticks_as_it_has(build: Build) -> None:
    """A window of 2 ticks moves at the first end of a window that is 3 ticks or more away."""
    built = build(*LIVING, "model=rnn", "arms.pytorch.window=2", "scenario=gd_a")
    moves = 0
    before = [w.clone() for w in built.pytorch.weights().values()]
    for sample in islice(built.stream, 12):
        built.pytorch.step(sample)
        moves += not all(torch.equal(a, b) for a, b in zip(before, built.pytorch.weights().values(), strict=True))
        before = [w.clone() for w in built.pytorch.weights().values()]
    assert moves == 3


def test_blocks_move_at_every_step(build: Build) -> None:
    with pytest.raises(BadInput, match=r"update_every=2 \(scheme=wave\): its weights move at every step"):
        build("scheme=wave", "split=state", "update_every=2")
