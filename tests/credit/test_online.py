"""The laws of credit online: it goes on from its state, rests when told, and refuses in one line."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from hl_cli import HamiltonianLearner, split_of
from hl_cli.build import Comparison
from hl_cli.config.registry import choices
from hl_cli.credit.eligibility import Eligibility
from hl_cli.dynamics.equivalence import SGD, physics_of
from hl_cli.errors import BadInput, NonFinite
from hl_cli.networks.blocks import ModuleBlock
from hl_cli.networks.splits import one_by_one
from hl_cli.types import Sample
from tests import laws
from tests.parts.minimal_gated import MinimalGated

Build = Callable[..., Comparison]
FORWARD = ("scheme=forward", "stream=lorenz", "model.hidden=4")
CASES = [
    ("credit=eligibility", "model=gru", "stream.ticks=3", "batch_size=2", "model.layers=2"),
    ("credit=eligibility", "model=rotation", "stream.ticks=1", "integrator=explicit_euler", "scheme.rise=5"),
    ("credit=exact", "model=rnn", "stream.ticks=2", "stream.targets=all"),
    ("credit=costate", "model=rnn", "stream.ticks=2", "scheme.reset=h", "scheme.eta_z=0.5"),
]


def test_each_kind_says_what_it_is() -> None:
    """Its two boundary terms, its cost, and where it is exact."""
    kinds = choices("credit")
    assert {"costate", "eligibility", "exact"} <= {one.names[0] for one in kinds}
    for one in kinds:
        assert all(one.facts[said] for said in ("past", "future", "cost", "exact"))


@pytest.mark.parametrize("overrides", CASES)
def test_goes_on_from_its_state_and_stops_on_what_is_not_finite(build: Build, overrides: tuple[str, ...]) -> None:
    laws.learner_goes_on_from_its_state(lambda: build(*FORWARD, *overrides).hl, build(*FORWARD, *overrides).stream, 11)
    built = build(*FORWARD, *overrides)
    sample = next(built.stream)
    built.hl.step(sample)
    broken = sample._replace(inputs=torch.full_like(sample.inputs, torch.nan))
    laws.learner_stops_before_its_weights_change(built.hl, broken, NonFinite)


@pytest.mark.parametrize(("reset", "states", "credit"), [("never", 1, 1), ("h", 0, 0), ("z", 1, 0), ("sample", 0, 0)])
def test_what_rests_before_a_sample(build: Build, reset: str, states: int, credit: int) -> None:
    """Traces are derivatives of the states, so that they rest with them; costates need not."""
    for kind in ("costate", "eligibility"):
        built = build(*FORWARD, f"scheme.reset={reset}", f"credit={kind}", "model=rnn", "stream.ticks=2")
        chain, seen = built.hl.credit.neurons, []
        for sample in islice(built.stream, 2):
            built.hl.step(sample)
        chain.restart(reset) if reset != "never" else None
        carried = chain.traces[0] if kind == "eligibility" else chain.costates[0][0] if chain.costates else None
        seen = [bool(chain.after), carried is not None]
        assert seen == [bool(states), bool(credit) or (kind, reset) == ("costate", "h")]


def test_the_rows_of_a_batch_have_traces_of_their_own(build: Build) -> None:
    """The drive of a batch is the mean of those of its rows."""
    built = build(*FORWARD, "credit=eligibility", "model=gru", "stream.ticks=1", "batch_size=3", "dtype=float64")
    alone = [build(*FORWARD, "credit=eligibility", "model=gru", "stream.ticks=1", "dtype=float64") for _ in range(3)]
    for sample in islice(built.stream, 5):
        rows = []
        for k, one in enumerate(alone):
            row = sample._replace(inputs=sample.inputs[k : k + 1], target=sample.target[k : k + 1])  # type: ignore[index]
            rows.append(drive_of(one.hl, row))
        torch.testing.assert_close(drive_of(built.hl, sample), torch.stack(rows).mean(0), rtol=1e-12, atol=1e-13)


def drive_of(hl: Any, sample: Any) -> Tensor:
    with torch.no_grad():
        for _ in hl.credit.periods(sample):
            hl.phase.finish()
        return hl.phase.flat_drive.clone()


def own_cell(cell: nn.Module) -> HamiltonianLearner:
    net = nn.ModuleList([cell, nn.Linear(4, 1)]).double()
    split = split_of(net, ModuleBlock(net[0], 4), net[1], ticks=one_by_one)
    return HamiltonianLearner(split, functional.mse_loss, physics_of(SGD(1e-300)), credit=Eligibility)


def test_a_cell_that_says_nothing_of_its_units_is_derived_by_autograd() -> None:
    torch.manual_seed(0)
    cell = MinimalGated(2, 4)
    learner = own_cell(cell)
    x, y = torch.randn(2, 9, 2, dtype=torch.float64), torch.randn(2, 1, dtype=torch.float64)
    found = drive_of(learner, Sample(x, y))
    h = None
    for u in x.unbind(1):
        h = cell(u, h)
    loss = functional.mse_loss(learner.split.module[1](h), y)  # type: ignore[index]
    wanted = torch.autograd.grad(loss, list(learner.phase.parameters))
    torch.testing.assert_close(found, learner.phase.laid(list(wanted)), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("cell", [nn.RNNCell(2, 4), nn.GRUCell(2, 4)])
def test_a_cell_whose_units_see_one_another_is_refused(cell: nn.Module) -> None:
    x = torch.randn(1, 2, 2, dtype=torch.float64)
    with pytest.raises(BadInput, match=f"units of {type(cell).__name__} see one another"):
        own_cell(cell).step((x, torch.zeros(1, 1, dtype=torch.float64)))  # type: ignore[arg-type]


@pytest.mark.parametrize("overrides, said", [
    (("credit=eligibility", "scheme=global"), r"credit=eligibility \(scheme=global\): weights do not move"),
    (("credit=eligibility", "model=antisymmetric"), "AntisymmetricBlock does not say the derivative of its units"),
    (("credit=eligibility", "scheme.eta_z=0.5"), "scheme.eta_z=0.5: credit=eligibility carries no costate"),
    (("credit=exact", "scheme.carry=false"), "scheme.carry=False: credit=exact carries no costate"),
    (("credit=eligibility", "split=output"), "split=output: no state is carried"),
    (("credit=eligibility", "split=state", "scheme.rate=0.5"), "scheme.rate is a memory of every block"),
    (("credit=eligibility", "model.layers=2", "integrator=explicit_euler"), "2 blocks see one another a tick late"),
])  # fmt: skip
def test_bad_input(build: Build, overrides: tuple[str, ...], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        build("model=rnn", *FORWARD, "stream.ticks=1", *overrides)


@pytest.mark.parametrize("more, said", [
    (("model.hidden=200",), "credit=exact: 200 states by 41000 weights are 8200000 numbers; allowed: up to 4194304"),
    (("batch_size=2",), "batch_size=2: credit=exact carries the derivatives of one row; allowed: 1"),
])  # fmt: skip
def test_exact_is_for_small_nets(build: Build, more: tuple[str, ...], said: str) -> None:
    built = build(*FORWARD, "credit=exact", "model=rnn", "stream.ticks=1", *more)
    with pytest.raises(BadInput, match=said):
        built.hl.step(next(built.stream))


def test_phi_is_phi_from_the_first_tick_on(build: Build) -> None:
    """HL's own numbers; those of SGD begin as torch.optim.SGD does, with 1/tau."""
    own = ("tau=0.1", "scenario=custom", "scenario.beta=0.01", "scenario.eta=2", "scenario.phi=1")
    assert build(*FORWARD, "model=rnn", *own).hl.credit.phi(build(*FORWARD, "model=rnn", *own).physics, 0) == (1, 1)
    assert build("model=rnn", "stream=lorenz", *own).physics.phi_first == 10  # type: ignore[union-attr]
    sgd = ("tau=0.1", "scenario=custom", "scenario.lr=0.01", "scenario.momentum=0.8", "scenario.dampening=0.9")
    assert build(*FORWARD, "model=rnn", *sgd).physics.phi_first == 10  # type: ignore[union-attr]
    still = build(
        *FORWARD, "model=rnn", "stream.ticks=1", *own, "scheme.carry=false", "arms.pytorch.window=1", "dtype=float64"
    )
    for sample in islice(still.stream, 20):
        still.hl.step(sample)
        still.pytorch.step(sample)
    for mine, other in zip(still.hl.weights().values(), still.pytorch.weights().values(), strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-12, atol=1e-14)


def test_the_head_alone_learns(build: Build) -> None:
    built = build(*FORWARD, "model=trace_units", "stream.ticks=1", "arm=[hl_eligibility,head]", "arms.head.lr=0.1")
    learner: Any = built.arms["head"].learner
    before = {name: w.clone() for name, w in learner.weights().items()}
    still, losses = build(*FORWARD, "model=trace_units", "stream.ticks=1", "arm=[hl_eligibility,frozen]"), []
    for sample in islice(built.stream, 30):
        losses.append(learner.step(sample).loss)
    moved = {name for name, w in learner.weights().items() if not torch.equal(w, before[name])}
    assert moved == {"head.weight", "head.bias"} and list(before) == list(still.arms["frozen"].learner.weights())
    laws.learner_goes_on_from_its_state(
        lambda: build(*FORWARD, "model=gru", "stream.ticks=2", "arm=[hl,head]").arms["head"].learner,
        build(*FORWARD, "model=gru", "stream.ticks=2").stream, 9,
    )  # fmt: skip
    with pytest.raises(BadInput, match="arm head: its output net learns from states, and this net has none; allowed"):
        build("model=mlp", "arm=[hl,head]")
