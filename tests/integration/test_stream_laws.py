"""The laws of streams, over every stream that ships, and a stream that goes on in another process."""

from __future__ import annotations

import copy
import hashlib
import sys
from collections.abc import Callable
from functools import cache
from itertools import islice
from pathlib import Path

import pytest
import torch
from hydra import compose, initialize_config_module
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig

from hl_cli import config
from hl_cli.build import Comparison
from hl_cli.build.streams import stream_of
from hl_cli.streams.base import Stream
from hl_cli.types import Sample
from tests import laws
from tests.covering import FULL, long, one_in
from tests.material import OPTIONS, needs
from tests.warm import Warm

ROOT = Path(__file__).resolve().parents[2]
EVERY = ("series", "text", "sine", "square", "lorenz", "mackey_glass", "pendulum", "mass_spring")
ALIKE = () if FULL else ("three_body", "double_pendulum")  # of the same kind as two_body
CASES = [(option,) for option in OPTIONS if option not in ALIKE] + [(option, "stream.targets=all") for option in EVERY]
CASES += [("drift", "stream.blend=700"), ("river", "stream.dataset=synth.SEA"), ("signal_school", "stream.lecture=50")]
CASES += [("recall", "stream.task=adding", "stream.delay=40"), ("digits_pixels", "stream.permuted=true")]
STOPS = (1, 1437, 4085)  # beside the first sample: the end of an epoch of digits, the end of a piece of windows


@cache
def chosen(case: tuple[str, ...]) -> DictConfig:
    """Compose a case once; composing takes longer than most of what is asked of its streams."""
    GlobalHydra.instance().clear()
    with initialize_config_module("hl_cli.configs", version_base="1.3"):
        return compose("run", overrides=[f"stream={case[0]}", *needs(case[0]), *case[1:]])


def make(case: tuple[str, ...], batch: int = 1) -> Stream:
    return stream_of(chosen(case).stream, batch, 3, torch.float64, "cpu")


def digest(stream: Stream, count: int = 1000) -> tuple[int, str]:
    """How many samples came, and a fingerprint of all their bits."""
    found, total = hashlib.sha256(), 0
    for sample in islice(stream, count):
        total += 1
        for part in sample:
            found.update(b"none" if part is None else part.numpy().tobytes())
    return total, found.hexdigest()


AHEAD = {1: 1000, 3: 100} if FULL else {1: 200, 3: 60}  # samples compared, by batch size


def go_on() -> None:
    """What the other process does: load each state into a new stream, and say what comes next."""
    config.register()
    for case, batch, state in torch.load(sys.argv[1], weights_only=True):
        stream = make(case, batch)
        stream.load_state_dict(state)
        print(*digest(stream, AHEAD[batch]), flush=True)


@long
def test_goes_on_in_another_process(tmp_path: Path) -> None:
    saved, wanted = [], []
    for k, case in enumerate(CASES):
        for batch in (1, 3) if FULL else ((1, 3)[k % 2],):
            stream = make(case, batch)
            few = stream.length is not None and stream.length < 6000
            for _ in islice(stream, 37 if few else STOPS[(k + batch) % len(STOPS)]):
                pass
            saved.append((case, batch, copy.deepcopy(stream.state_dict())))
            wanted.append(digest(stream, AHEAD[batch]))
    torch.save(saved, tmp_path / "states.pt")
    said = Warm(ROOT, str(tmp_path / "states.pt"), program=go_on).ended()
    assert said.returncode == 0, said.stderr
    for (case, batch, _), line, expected in zip(saved, said.stdout.splitlines(), wanted, strict=True):
        assert line == f"{expected[0]} {expected[1]}", (case, batch)
        assert expected[0] >= AHEAD[batch], case


@one_in(2)
@pytest.mark.parametrize("batch", [1, 5])
@pytest.mark.parametrize("case", CASES, ids=" ".join)
def test_laws(case: tuple[str, ...], batch: int) -> None:
    laws.stream_has_its_shapes(make(case, batch), batch, torch.float64) if case != ("plugin",) else None
    laws.stream_is_the_same_again(lambda: make(case, batch), 60)
    for stop in (0, 1, 33):
        laws.stream_resumes_anywhere(lambda: make(case, batch), stop, 60)


@one_in(2)
@pytest.mark.parametrize("case", CASES, ids=" ".join)
def test_a_batch_is_as_many_samples(case: tuple[str, ...]) -> None:
    """Batches of 4 hold the samples of batches of 1, in their order."""
    if case[0] in ("plugin", "drift", "digits_by_class", "digits_permuted", "river"):
        pytest.skip("a period is counted in batches, statistics and draws are a batch's own")
    one, four = make(case), make(case, 4)
    for batch in islice(four, 40):
        for k, part in enumerate(zip(*(next(one) for _ in range(4)), strict=True)):
            together = batch[k]
            assert (together is None and part[0] is None) or torch.equal(together, torch.cat(part)), k


@pytest.mark.parametrize("case", CASES, ids=" ".join)
def test_held_out_samples_are_never_given(case: tuple[str, ...]) -> None:
    """No sample of the stream is one of those held out; a periodic signal has its values again and again."""
    if case[0] in ("square", "signal_school", "drift", "plugin") or case == ("recall",):
        pytest.skip("periodic, or a coin")

    def rows(sample: Sample) -> set[bytes]:
        if sample.target is None:
            return set()
        targets = sample.target.view(len(sample.inputs), -1)
        return {x.numpy().tobytes() + t.numpy().tobytes() for x, t in zip(sample.inputs, targets, strict=True)}

    stream = make(case)
    held_out = rows(stream.held_out())
    assert not any(rows(sample) & held_out for sample in islice(stream, 1500))


@one_in(2)
@pytest.mark.parametrize("option", OPTIONS)
def test_both_learners_see_the_same(build: Callable[..., Comparison], option: str) -> None:
    built = build(f"stream={option}", *needs(option))
    sample = next(built.stream)
    said = built.hl.step(sample), built.pytorch.step(sample)
    assert torch.equal(said[0].prediction, said[1].prediction) and said[0].loss == said[1].loss
