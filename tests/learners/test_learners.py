"""Learners: the laws for both arms, and what is HL's own."""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.nn import functional

from hl_cli.build import Comparison
from hl_cli.dynamics.equivalence import SGD, physics_of
from hl_cli.dynamics.weights import ALIGNMENT, FlatWeights
from hl_cli.errors import BadInput, NonFinite
from hl_cli.learners.hamiltonian import HamiltonianLearner
from hl_cli.networks.blocks import ModuleBlock
from hl_cli.networks.splits import Split, split_of
from hl_cli.types import Sample
from tests import laws
from tests.covering import one_in

Build = Callable[..., Comparison]
CASES = [
    ("model=mlp", "split=state_output"),
    ("model=mlp", "split=output", "scenario=gd_a"),
    ("model=lstm", "split=state", "stream=digits_rows"),
    ("model=gru", "split=output", "stream=digits_rows", "integrator=explicit_euler", "scenario=mom_a"),
    ("model=mlp", "split=state", "scheme=wave"),
    ("model=cnn", "split=state_output", "scheme=blocks", "integrator=explicit_euler", "scenario=mom_a"),
    ("model=cnn", "split=state_output", "scheme=blocks", "scenario=nadam"),
    ("model=mlp", "scenario=adam", "scenario.amsgrad=true"),
    ("model=mlp", "integrator=dissipative_leapfrog", "kinetic=relativistic", "kinetic.limit=0.01"),
    ("model=mlp", "scheme=wave", "integrator=rgd", "kinetic=relativistic", "kinetic.group=tensor"),
    ("model=mlp", "split=state_output", "scheme=local"),
    ("model=mlp", "split=state_output", "scheme=local", "hold=2"),
    ("model=rotation", "split=state_output", "stream=digits_rows"),
    ("model=antisymmetric", "split=state", "stream=digits_rows", "scenario=gd_a"),
    ("model=leapfrog", "split=output", "stream=digits_rows", "scenario=mom_a"),
]


@one_in(2)
@pytest.mark.parametrize("arm", ["hl", "pytorch"])
@pytest.mark.parametrize("overrides", CASES)
def test_laws(build: Build, overrides: tuple[str, ...], arm: str) -> None:
    laws.learner_goes_on_from_its_state(lambda: getattr(build(*overrides), arm), build(*overrides).stream)
    built = build(*overrides)
    for _ in range(2):  # the explicit order moves the weights from the second step on
        getattr(built, arm).step(next(built.stream))
    laws.learner_predicts_without_learning(getattr(built, arm), built.stream)


@pytest.mark.parametrize("arm", ["hl", "pytorch"])
@pytest.mark.parametrize("overrides", CASES)
def test_stops_on_what_is_not_finite(build: Build, overrides: tuple[str, ...], arm: str) -> None:
    built = build(*overrides)
    learner, sample = getattr(built, arm), next(built.stream)
    learner.step(sample)
    broken = sample._replace(inputs=torch.full_like(sample.inputs, torch.nan))
    laws.learner_stops_before_its_weights_change(learner, broken, NonFinite)


class Steep(nn.Module):
    """A finite value with an infinite slope: d sqrt(x)/dx at 0."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.clamp(min=0).sqrt()


@pytest.mark.parametrize("arm", ["hl", "pytorch"])
def test_stops_on_a_gradient_that_is_not_finite_though_the_loss_is(arm: str) -> None:
    from hl_cli.learners.pytorch import PyTorchLearner

    net = nn.Sequential(nn.Linear(2, 2, bias=False), Steep())
    with torch.no_grad():
        net[0].weight.zero_()  # type: ignore[operator, union-attr]
    sgd = SGD(0.1)
    learner = (
        HamiltonianLearner(split_of(net, output=net), functional.cross_entropy, physics_of(sgd))
        if arm == "hl"
        else PyTorchLearner(net, functional.cross_entropy, torch.optim.SGD, lr=0.1)
    )
    with pytest.raises(NonFinite) as stop:
        learner.step(Sample(torch.ones(1, 2), torch.tensor([0])))
    assert stop.value.quantity == ("weight costate" if arm == "hl" else "gradient")
    assert all(bool((w == 0).all()) for w in learner.weights().values())


@pytest.mark.parametrize("overrides", [case for case in CASES if not any(one.startswith("scheme=") for one in case)])
def test_memory_modes_give_the_same_bits(build: Build, overrides: tuple[str, ...]) -> None:
    modes = [build(*overrides, f"checkpointing={memory}") for memory in ("store", "segments", "recompute")]
    for _ in range(10):
        for built in modes:
            built.hl.step(next(built.stream))
    for store, *others in zip(*(built.hl.weights().values() for built in modes), strict=True):
        assert all(torch.equal(store, other) for other in others)


@pytest.mark.parametrize(
    "choice",
    [
        *(
            ("stream=digits_rows", f"model={model}", "split=state_output")
            for model in ("rnn", "gru", "lstm", "mlp", "cnn", "rotation", "antisymmetric", "leapfrog")
        ),
        ("stream=digits_rows", "model=leapfrog", "split=state", "checkpointing=reverse"),
        ("stream=breast_cancer", "model=linear", "split=state", "loss=binary"),
        ("stream=digits_rows", "model=lstm", "split=output", "loss=mse"),
        ("stream=lorenz", "stream.targets=all", "model=gru", "split=state"),
    ],
)
def test_hl_calls_no_optimizer_and_no_autograd(
    build: Build, choice: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By default HL uses neither torch.optim, nor an SGD kernel, nor autograd: all of them are broken here."""
    built = build(*choice)

    def forbidden(*args: object, **kwargs: object) -> None:
        raise AssertionError("HL called what it must not")

    for name in ("step", "zero_grad"):
        monkeypatch.setattr(torch.optim.SGD, name, forbidden)
    monkeypatch.setattr(torch, "_fused_sgd_", forbidden)
    monkeypatch.setattr(torch.autograd, "grad", forbidden)
    monkeypatch.setattr(torch.autograd, "backward", forbidden)
    before = [w.clone() for w in built.hl.weights().values()]
    built.hl.step(next(built.stream))
    assert not any(torch.equal(a, b) for a, b in zip(before, built.hl.weights().values(), strict=True))
    with pytest.raises(AssertionError):
        built.pytorch.step(next(built.stream))
    assert not any("optim" in name for name in vars(sys.modules["hl_cli.learners.hamiltonian"]))


def test_parameters_are_aligned_views_of_theta() -> None:
    net = nn.Sequential(nn.Linear(3, 5), nn.Linear(5, 2))
    before = copy.deepcopy(net)
    weights = FlatWeights(list(net.parameters()))
    size = weights.theta.element_size() * ALIGNMENT
    for p, start in zip(net.parameters(), before.parameters(), strict=True):
        assert torch.equal(p, start)
        assert (p.data_ptr() - weights.theta.data_ptr()) % size == 0
    weights.theta.fill_(2.0)
    assert all(bool((p == 2).all()) for p in net.parameters())


def test_large_nets_are_updated_in_pieces_with_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    from hl_cli.dynamics import weights as module
    from hl_cli.dynamics.rules import semi_implicit_euler

    drives = [torch.randn(1000) for _ in range(5)]
    start, c, ends = torch.randn(1000), physics_of(SGD(0.1, 0.7, 0.3, 0.01)), []
    for piece in (2**19, 33):
        monkeypatch.setattr(module, "PIECE", piece)
        own = FlatWeights([nn.Parameter(start.clone())])
        assert len(list(own.pieces())) == (1 if piece > 1000 else 31)
        for step, g in enumerate(drives):
            own.drive.start()
            own.drive.add(own.parameters[0], g)
            semi_implicit_euler.step(own, c, c.loss_weight(step), c.phi_first, lambda omega: None)
        ends.append(own.theta)
    assert torch.equal(*ends)


def test_bad_splits() -> None:
    net = nn.Sequential(nn.Linear(3, 5), nn.Linear(5, 2))
    with pytest.raises(BadInput, match="a state net, an output net, or both"):
        Split(net, (), None)
    with pytest.raises(BadInput, match=r"weight 0\.weight belongs to no block"):
        split_of(net, output=net[1])
    with pytest.raises(BadInput, match="belongs to two blocks"):
        split_of(net, state=net, output=net[1])
    with pytest.raises(BadInput, match="checkpointing=keep: allowed: store, segments, recompute, reverse"):
        HamiltonianLearner(
            split_of(net, output=ModuleBlock(net)), functional.cross_entropy, physics_of(SGD(1)), memory="keep"
        )
