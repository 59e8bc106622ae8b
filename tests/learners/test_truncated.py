"""The PyTorch arm over time and with other optimizers, against the loops a user writes."""

from __future__ import annotations

import copy
from collections.abc import Callable
from itertools import islice

import pytest
import torch
from torch import nn
from torch.nn import functional

from hl_cli.build import Comparison
from hl_cli.errors import BadInput, NonFinite
from hl_cli.learners.truncated import TruncatedLearner
from tests import laws

Build = Callable[..., Comparison]


@pytest.mark.parametrize("ticks", [1, 4])
@pytest.mark.parametrize(("model", "tensors"), [("rnn", 1), ("lstm", 2)])
def test_is_truncated_bptt_as_anyone_writes_it(build: Build, model: str, tensors: int, ticks: int) -> None:
    """Windows of 6 ticks that begin in the middle of samples."""
    built = build(
        f"model={model}", "stream=lorenz", f"stream.ticks={ticks}", "stream.targets=all", "pytorch.window=6",
        "pytorch.optimizer=Adam", "pytorch.lr=0.01", "batch_size=2",
    )  # fmt: skip
    samples = list(islice(built.stream, 24 // ticks))
    net = copy.deepcopy(built.pytorch).module
    adam = torch.optim.Adam(net.parameters(), lr=0.01)
    flow = [
        (u, target)
        for s in samples
        for u, target in zip(s.inputs.unbind(1), s.target.unflatten(0, (2, ticks)).unbind(1), strict=True)  # type: ignore[union-attr]
    ]
    state, expected = None, []
    for first in range(0, 24, 6):
        losses = []
        for u, target in flow[first : first + 6]:
            state = net.cells[0](u, state)  # type: ignore[index, operator]
            y = net.head(state[0] if tensors == 2 else state)  # type: ignore[operator]
            losses.append(functional.mse_loss(y, target))
        adam.zero_grad()
        torch.stack(losses).mean().backward()
        adam.step()
        state = tuple(s.detach() for s in state) if tensors == 2 else state.detach()
        expected += [loss.item() for loss in losses]
    found = [built.pytorch.step(sample).loss for sample in samples]
    means = [sum(expected[k : k + ticks]) / ticks for k in range(0, 24, ticks)]
    assert found == pytest.approx(means, rel=1e-6)
    for a, b in zip(built.pytorch.module.parameters(), net.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("overrides", [
    ("stream=lorenz", "stream.ticks=1", "pytorch.window=8"),
    ("stream=lorenz", "stream.ticks=4", "stream.targets=all", "pytorch.window=7"),
    ("stream=digits_rows", "pytorch.window=5", "scheme=forward", "scheme.reset=sample", "split=state"),
])  # fmt: skip
def test_goes_on_in_the_middle_of_a_window(build: Build, overrides: tuple[str, ...]) -> None:
    def make() -> Comparison:
        return build("model=gru", *overrides)

    laws.learner_goes_on_from_its_state(lambda: make().pytorch, make().stream, 11)


def test_a_window_without_a_target_takes_no_step(build: Build) -> None:
    built = build("model=rnn", "stream=lorenz", "stream.ticks=8", "pytorch.window=4")  # the last tick alone counts
    before = [w.clone() for w in built.pytorch.weights().values()]
    sample = next(built.stream)
    built.pytorch.step(sample._replace(target=None))
    assert all(torch.equal(a, b) for a, b in zip(before, built.pytorch.weights().values(), strict=True))
    built.pytorch.step(sample)
    assert not all(torch.equal(a, b) for a, b in zip(before, built.pytorch.weights().values(), strict=True))


def test_stops_on_what_is_not_finite(build: Build) -> None:
    built = build("model=rnn", "stream=lorenz", "stream.ticks=1", "pytorch.window=3")
    built.pytorch.step(next(built.stream))
    sample = next(built.stream)
    broken = sample._replace(inputs=torch.full_like(sample.inputs, torch.nan))
    laws.learner_stops_before_its_weights_change(built.pytorch, broken, NonFinite)


def test_predicts_the_samples_as_they_come(build: Build) -> None:
    built = build("model=gru", "stream=lorenz", "stream.ticks=2", "pytorch.window=3", "pytorch.lr=1e-30")
    samples = list(islice(built.stream, 6))
    said = built.pytorch.predict(torch.cat([s.inputs for s in samples]))
    assert torch.equal(said, torch.cat([built.pytorch.step(s).prediction for s in samples]))


@pytest.mark.parametrize("name", ["Adam", "adamw", "rmsprop", "NAdam", "adagrad", "rprop", "sgd"])
def test_any_optimizer_by_its_name(build: Build, name: str) -> None:
    built = build("model=mlp", f"pytorch.optimizer={name}", "pytorch.lr=0.003")
    kind = next(k for n, k in vars(torch.optim).items() if n.lower() == name.lower() and isinstance(k, type))
    net = copy.deepcopy(built.pytorch.module)
    scenario = {"momentum": 0.7, "dampening": 0.3} if name == "sgd" else {}
    other = kind(net.parameters(), lr=0.003, **scenario)
    for sample in islice(built.stream, 5):
        other.zero_grad()
        functional.cross_entropy(net(sample.inputs), sample.target).backward()  # type: ignore[arg-type]
        other.step()
        built.pytorch.step(sample)
    for a, b in zip(built.pytorch.module.parameters(), net.parameters(), strict=True):
        assert torch.equal(a, b)
    assert built.another_method.startswith("PyTorch's arm is torch.optim.") and f"{kind.__name__}," in built.baseline


def test_options_of_the_optimizer(build: Build) -> None:
    built = build("pytorch.optimizer=adam", "pytorch.options.eps=0.001", "pytorch.options.betas=[0.5,0.6]")
    assert built.pytorch.optimizer.defaults["eps"] == 1e-3 and list(built.pytorch.optimizer.defaults["betas"]) == [
        0.5,
        0.6,
    ]
    assert isinstance(built.pytorch.module, nn.Sequential) and not isinstance(built.pytorch, TruncatedLearner)


@pytest.mark.parametrize("overrides, said", [
    (("pytorch.optimizer=adamm",), "arms.pytorch.optimizer=adamm: allowed: adadelta, "),
    (("pytorch.optimizer=lbfgs",), "arms.pytorch.optimizer=lbfgs: allowed: "),
    (("pytorch.options.nesterof=true",), "^arms.pytorch.optimizer=sgd: torch.optim refuses .*nesterof"),
    (("pytorch.optimizer=muon",), "^arms.pytorch.optimizer=muon: torch.optim refuses "),
    (("pytorch.window=8",), "^arms.pytorch.window=8: needs a recurrent net, and model=mlp is none; allowed"),
    (("pytorch.window=0", "model=rnn"), "pytorch.window=0: allowed: a number >= 1"),
])  # fmt: skip
def test_bad_input(build: Build, overrides: tuple[str, ...], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        build(*overrides)
