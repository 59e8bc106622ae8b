"""Clipped gradients and moving learning rates: the same in both arms, bit for bit, and refused where they cannot be."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial
from itertools import islice
from pathlib import Path

import pytest
import torch
from omegaconf import DictConfig, OmegaConf
from torch import nn
from torch.nn import functional
from torch.optim import lr_scheduler

from hl_cli.build import Comparison
from hl_cli.dynamics.equivalence import SGD, physics_of
from hl_cli.errors import BadInput
from hl_cli.learners.clipping import Clip
from hl_cli.learners.hamiltonian import HamiltonianLearner
from hl_cli.learners.pytorch import PyTorchLearner
from hl_cli.networks.splits import split_of
from hl_cli.runs.resume import Resumed
from hl_cli.runs.run import run
from hl_cli.types import Sample
from tests import laws
from tests.broken_off import OFTEN, Killed, die_at, made
from tests.broken_off import apart as apart_of
from tests.covering import one_in

Build = Callable[..., Comparison]
SCENARIOS = ("gd_a", "gd_b", "mom_a", "mom_b")
ONE_CYCLE = ("schedule.options.max_lr=0.07", "schedule.options.total_steps=50")
SCHEDULES = (
    ("schedule=step", "schedule.every=7", "schedule.factor=0.3"),
    ("schedule=cosine", "schedule.steps=50", "schedule.floor=0.1"),
    ("schedule=warmup", "schedule.rise=20"),
    ("schedule=warmup_cosine", "schedule.rise=13", "schedule.steps=50"),
    ("schedule=torch", "schedule.scheduler=OneCycleLR", "steps=50", *ONE_CYCLE),
    ("schedule=torch", "schedule.scheduler=ExponentialLR", "schedule.options.gamma=0.9"),
)
CLIPS = (("clip=0.3",), ("clip_value=0.01",), ("clip=0.2", "clip_value=0.02"))
NETS = (
    ("model=mlp", "split=state_output"),
    ("model=mlp", "split=output", "batch_size=32", "tau=0.5"),
    ("model=lstm", "split=state", "stream=digits_rows", "dtype=float64"),
    ("model=cnn", "split=state_output"),
)


def apart(built: Comparison, steps: int = 50) -> float:
    """Largest difference of a weight after any step, or of the rates, which must both have moved the weights."""
    before = [w.clone() for w in built.hl.weights().values()]
    largest = 0.0
    for sample in islice(built.stream, steps):
        assert built.hl.step(sample).loss is not None
        built.pytorch.step(sample)
        pairs = zip(built.hl.weights().values(), built.pytorch.weights().values(), strict=True)
        largest = max(largest, *(float((a - b).abs().max()) for a, b in pairs))
    assert not any(torch.equal(a, b) for a, b in zip(before, built.hl.weights().values(), strict=True))
    return largest


@one_in(2)
@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("steering", [*SCHEDULES, *CLIPS], ids=" ".join)
def test_both_arms_are_steered_alike_to_the_bit(build: Build, steering: tuple[str, ...], scenario: str) -> None:
    net = NETS[(SCENARIOS.index(scenario) + [*SCHEDULES, *CLIPS].index(steering)) % len(NETS)]
    assert apart(build(*net, f"scenario={scenario}", *steering)) == 0.0


@pytest.mark.parametrize("net", NETS, ids=" ".join)
def test_schedule_clip_and_weight_decay_together(build: Build, net: tuple[str, ...]) -> None:
    own = ("scenario=mom_b", "scenario.weight_decay=0.01", "schedule=cosine", "schedule.steps=50", "clip=0.3")
    assert apart(build(*net, *own)) == 0.0


@pytest.mark.parametrize("steering", [SCHEDULES[1], CLIPS[0], CLIPS[1]], ids=" ".join)
def test_steering_changes_the_weights(build: Build, steering: tuple[str, ...]) -> None:
    plain, steered = build(), build(*steering)
    for sample in islice(plain.stream, 30):
        plain.hl.step(sample)
        steered.hl.step(sample)
    assert not any(
        torch.equal(a, b) for a, b in zip(*(one.hl.weights().values() for one in (plain, steered)), strict=True)
    )


def test_other_taus_and_numbers_of_hl_are_at_round_off(build: Build) -> None:
    own = ("scenario=custom", "scenario.beta=0.02", "scenario.eta=0.3", "scenario.phi=0.7")
    for case in (("tau=0.3",), own, ("scenario=custom", "scenario.beta=0.02", "scenario.phi=0.7")):
        gap = apart(build("dtype=float64", *case, *SCHEDULES[1], "clip=0.3"))
        assert gap < 1e-13, case


def test_the_rate_of_a_step_is_that_of_the_schedule_and_beta_is_it_by_tau(build: Build) -> None:
    built = build("tau=0.5", "scenario=mom_a", "schedule=step", "schedule.every=3", "schedule.factor=0.5")
    rates = []
    for sample in islice(built.stream, 7):
        rates.append(built.hl.coefficients.beta * 0.5)
        assert built.pytorch.optimizer.param_groups[0]["lr"] == rates[-1]
        built.hl.step(sample)
        built.pytorch.step(sample)
    assert rates == [0.01, 0.01, 0.01, 0.005, 0.005, 0.005, 0.0025]


def test_a_step_without_a_target_is_a_step_of_the_schedule(recwarn: pytest.WarningsRecorder) -> None:
    net = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 2))
    own = copy.deepcopy(net)
    hl = HamiltonianLearner(split_of(own, output=own), functional.cross_entropy, physics_of(SGD(0.5, 0.9)))
    pytorch = PyTorchLearner(net, functional.cross_entropy, torch.optim.SGD, lr=0.5, momentum=0.9)
    halved = partial(lr_scheduler.ExponentialLR, gamma=0.5)
    hl.follow(halved, 0.5)
    pytorch.follow(halved)
    hl.clip = pytorch.clip = Clip(norm=0.1)
    for target in (None, torch.tensor([1]), None, torch.tensor([0])):
        for learner in (hl, pytorch):
            learner.step(Sample(torch.ones(1, 2), target))
    assert hl.coefficients.beta == pytorch.optimizer.param_groups[0]["lr"] == 0.5**5
    assert all(torch.equal(a, b) for a, b in zip(hl.weights().values(), pytorch.weights().values(), strict=True))
    assert not recwarn.list


def test_a_clipped_gradient_is_no_longer_than_allowed(build: Build) -> None:
    built = build("clip=0.05", "scenario=gd_a")
    before = {name: w.clone() for name, w in built.hl.weights().items()}
    built.hl.step(next(built.stream))
    moved = torch.cat([(w - before[name]).flatten() for name, w in built.hl.weights().items()])
    assert float(moved.norm()) == pytest.approx(0.1 * 0.05, rel=1e-3)


LIVING = ("scheme=forward", "stream=lorenz", "stream.ticks=2", "model=gru", "split=state_output", "scheme.carry=false")


@pytest.mark.parametrize("steering", [SCHEDULES[1], CLIPS[2]], ids=" ".join)
def test_forward_credit_without_carry_is_steered_as_truncated_bptt(build: Build, steering: tuple[str, ...]) -> None:
    own = (*LIVING, "stream.targets=all", "pytorch.window=1", "scenario=gd_a", *steering)
    assert apart(build(*own)) == 0.0


@pytest.mark.parametrize("scheme", ["blocks", "wave"])
def test_blocks_follow_schedules_and_clip_elements(build: Build, scheme: str) -> None:
    own = (f"scheme={scheme}", "split=state", "model.hidden=[8,8]", "scenario=mom_b")
    assert apart(build(*own, *SCHEDULES[3], "clip_value=0.01")) == 0.0


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (("scheme=wave", "split=state", "clip=1"), r"clip=1 \(scheme=wave\): .* allowed: scheme=global or forward"),
        (("schedule=torch", "schedule.scheduler=LambdaLR"), "schedule.scheduler=LambdaLR: allowed: .*OneCycleLR"),
        (("schedule=torch", "schedule.scheduler=StepLR", "schedule.options.step=3"), "torch refuses .*step"),
        (("schedule=torch", "schedule.scheduler=StepLR"), "torch refuses .*step_size"),
        (
            ("schedule=torch", "schedule.scheduler=OneCycleLR", *ONE_CYCLE),
            "total_steps=50: allowed: at least steps=5000",
        ),
        (("schedule=warmup_cosine", "schedule.steps=20", "schedule.rise=20"), "schedule.rise=20: allowed: fewer than"),
        (("clip=0",), "clip=0.* allowed: a number > 0"),
    ],
)  # fmt: skip
def test_what_cannot_be_steered_is_refused(build: Build, overrides: tuple[str, ...], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        build(*overrides)


@pytest.mark.parametrize("arm", ["hl", "pytorch"])
@pytest.mark.parametrize("schedule", [*SCHEDULES, ("scheme=local", "split=state", *SCHEDULES[1])], ids=" ".join)
def test_a_learner_goes_on_inside_a_schedule(build: Build, schedule: tuple[str, ...], arm: str) -> None:
    make = build(*schedule)
    laws.learner_goes_on_from_its_state(lambda: getattr(build(*schedule), arm), make.stream, 15)


def test_the_length_of_a_cosine_is_that_of_the_run(configured: Callable[..., DictConfig]) -> None:
    assert OmegaConf.to_container(configured("schedule=cosine", "steps=70"), resolve=True)["schedule"]["steps"] == 70  # type: ignore[index, call-overload]


@pytest.mark.usefixtures("no_pictures")
def test_a_run_is_identical_and_goes_on_inside_its_schedule(
    configured: Callable[..., DictConfig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cfg = configured(*OFTEN, "schedule=warmup_cosine", "schedule.rise=20", "clip=0.5", "expect=identical")
    whole, broken = made(tmp_path / "whole"), made(tmp_path / "broken")
    outcome = run(cfg, whole)
    assert (outcome.exit_code, outcome.summary["verdict"]) == (0, "identical")
    assert "learning rate warmup_cosine" in (whole / "report.md").read_text()
    die_at(33, monkeypatch)
    with pytest.raises(Killed):
        run(cfg, broken)
    die_at(-1, monkeypatch)
    run(cfg, broken, resumed=Resumed(broken))
    assert apart_of(whole, broken) == []
    longer = configured(*OFTEN, "schedule=warmup_cosine", "schedule.rise=20", "clip=0.5", "steps=90")
    with pytest.raises(BadInput, match=r"schedule\.steps=90, and in the config of .* 60"):
        run(longer, broken, resumed=Resumed(broken))
