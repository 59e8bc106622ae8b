"""Nets that users write: what PyTorch does with them HL does too, or it says in one line why not."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from hl_cli.build import Comparison
from hl_cli.compare.differences import Differences
from hl_cli.compare.running_metrics import RunningMetrics
from hl_cli.compare.side_by_side import side_by_side
from hl_cli.compare.verdict import Verdict, judge, noise_floor
from hl_cli.dynamics.equivalence import SGD, physics_of
from hl_cli.errors import BadInput
from hl_cli.learners.hamiltonian import HamiltonianLearner
from hl_cli.learners.local import Local
from hl_cli.learners.passing import Blockwise, Wave
from hl_cli.learners.pytorch import PyTorchLearner
from hl_cli.networks.blocks import ModuleBlock
from hl_cli.networks.splits import Split, split_chain, split_of, stages, whole
from hl_cli.types import Sample
from tests import nets

Build = Callable[..., Comparison]
OPTIMIZERS = [{"momentum": 0.9}, {"momentum": 0.9, "dampening": 0.3, "weight_decay": 0.01}, {"weight_decay": 0.1}, {}]
SPLITS = ("output", "state", "state_output")


def samples(count: int) -> list[Sample]:
    generator = torch.Generator().manual_seed(1)
    inputs = [torch.rand(1, 1, 38, generator=generator) * (1 if k else 0.5) for k in range(count)]
    return [Sample(x, torch.randint(3, (1,), generator=generator)) for x in inputs]


def layered(net: nn.Module, split: str) -> Split:
    return split_chain(net, [ModuleBlock(stage) for stage in stages(net)], split, ticks=whole)


def pair(
    factory: Callable[..., nn.Module], split: Callable[[Any], Split], options: dict[str, float], kind: Any
) -> tuple[Any, PyTorchLearner]:
    torch.manual_seed(0)
    net = factory(38, 1, 3)
    own = copy.deepcopy(net)
    return (
        kind(split(own), cross_entropy, physics_of(SGD(0.05, **options))),
        PyTorchLearner(net, cross_entropy, torch.optim.SGD, lr=0.05, **options),
    )


def equal(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    return all(torch.equal(x, b[name]) for name, x in a.items())


@pytest.mark.parametrize("options", OPTIMIZERS, ids=str)
def test_a_weight_without_a_gradient_rests_and_begins_late(options: dict[str, float]) -> None:
    """As under torch.optim.SGD: no decay, no momentum, and the first step undampened whenever it comes."""
    hl, pytorch = pair(nets.Branches, lambda net: split_of(net, state=net), options, HamiltonianLearner)
    again, _ = pair(nets.Branches, lambda net: split_of(net, state=net), options, HamiltonianLearner)
    net: Any = pytorch.module
    never = hl.weights()["never.weight"].clone()
    for step, sample in enumerate(samples(40)):
        hl.step(sample), pytorch.step(sample)
        assert equal(hl.weights(), pytorch.weights()), step
        if step == 0:
            assert not net.taken  # the branch begins late
            again.load_state_dict(hl.state_dict())
    assert 5 < net.taken < 35  # and rests now and then
    assert torch.equal(never, hl.weights()["never.weight"])
    for sample in samples(40)[1:]:
        again.step(sample)
    assert equal(again.weights(), hl.weights())


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("kind", [HamiltonianLearner, Blockwise, Wave])
def test_blocks_below_one_that_does_not_listen_rest(kind: Any, split: str) -> None:
    if split == "output" and kind is not HamiltonianLearner:
        pytest.skip("no state net to cut")
    hl, pytorch = pair(nets.deaf, lambda net: layered(net, split), OPTIMIZERS[1], kind)
    for sample in samples(30):
        hl.step(sample), pytorch.step(sample)
        assert equal(hl.weights(), pytorch.weights())
    net: Any = pytorch.module
    assert 3 < sum(net[2].heard) < 27


def test_the_local_scheme_passes_nothing_on_where_nothing_came() -> None:
    hl, _ = pair(nets.deaf, lambda net: layered(net, "state"), OPTIMIZERS[0], Local)
    for sample in samples(30):
        hl.step(sample)
    assert all(bool(torch.isfinite(w).all()) for w in hl.weights().values())


@pytest.mark.parametrize("values", [{"lr": -1.0}, {"lr": 0.1, "momentum": -0.1}, {"lr": 0.1, "weight_decay": -1.0}])
def test_sgd_has_the_ranges_of_torch(values: dict[str, float]) -> None:
    with pytest.raises(ValueError):
        torch.optim.SGD([nn.Parameter(torch.zeros(1))], **values)
    with pytest.raises(BadInput, match=r"SGD: \w+=-[\d.]+: allowed: a number >= 0"):
        SGD(**values)


LINES = {
    "mixed": r"weights of float32 \(1.weight\) and float64 \(4.weight\); allowed: one of them for all",
    "complex": "weight 2.weight is complex64; allowed: dense float32 or float64",
    "half": "weight 2.weight is float16; allowed: dense float32 or float64",
    "sparse": "weight 0.1.weight has a sparse gradient; allowed: dense",
    "batch_norm": r"cannot learn from inputs \(1, 1, 64\) \(batch_size=1\): Expected more than 1 value per channel",
    "detached": "cannot learn from inputs .*: element 0 of tensors does not require grad",
}


@pytest.mark.parametrize("kind", LINES)
def test_nets_that_cannot_run_are_refused_in_a_line_before_anything_is_written(build: Build, kind: str) -> None:
    with pytest.raises(BadInput, match=LINES[kind]) as refused:
        build("model=module", "model.factory=tests.nets:unusual", f"model.options={{kind: {kind}}}", "split=state")
    assert "\n" not in str(refused.value) and str(refused.value).startswith("model.factory=tests.nets:unusual: ")


@pytest.mark.parametrize("kind", ["mixed", "complex", "lazy"])
def test_from_python_too(kind: str) -> None:
    net = nets.unusual(64, 1, 10, False, kind)
    with pytest.raises(BadInput, match=r"weight.*allowed: "):
        split_of(net, state=net)


def run(built: Comparison) -> tuple[Verdict, RunningMetrics]:
    differences, tally = Differences(built.hl.weights(), built.pytorch.weights()), RunningMetrics(built.measure)
    arms = (built.hl, built.pytorch)
    for record in side_by_side(built.stream, *arms, built.measure, built.schedule, differences, draws=built.draws):
        tally.consume(record)
    draws = built.draws if tally.drew else None
    replay = lambda steps: noise_floor(built.fresh_stream(), built.fresh_pytorch, steps, 0, draws=draws)  # noqa: E731
    known = (tally.apart["hl"], tally.diverged, 1.0, replay, tally.learnt, built.another_method)
    return judge(differences.first_step, *known, drew=tally.drew.get("hl", 0)), tally  # type: ignore[arg-type]


SHORT = ("steps=20", "log_every=5", "eval_every=7")


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("kind", ["channels_last", "transposed", "lazy"])
def test_other_layouts_are_equal_bit_for_bit(build: Build, kind: str, split: str) -> None:
    net = ("model=module", "model.factory=tests.nets:unusual", f"model.options={{kind: {kind}}}")
    verdict, _ = run(build(*net, f"split={split}", *SHORT))
    assert verdict.word == "identical", verdict.reason


def test_batch_norm_runs_where_a_batch_has_more_than_one_row(build: Build) -> None:
    net = ("model=module", "model.factory=tests.nets:unusual", "model.options={kind: batch_norm}")
    assert run(build(*net, "split=state", "batch_size=4", *SHORT))[0].word == "identical"


@pytest.mark.parametrize("kernel", ["fused", "foreach"])
def test_another_kernel_is_the_same_method(build: Build, kernel: str) -> None:
    short = ("scenario=mom_a", *SHORT)
    built = build(f"pytorch.options={{{kernel}: true, nesterov: false}}", *short)
    assert not built.another_method
    assert run(built)[0].word in ("identical", "round_off")
    assert build(f"pytorch.options={{{kernel}: true, nesterov: true}}", *short).another_method
