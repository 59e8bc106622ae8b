"""credit=tail: a window and eligibility before it, against back-propagation, eligibility, truncated BPTT, itself."""

from __future__ import annotations

import copy
from itertools import islice
from typing import Any

import pytest
import torch

from hl_cli.networks.recurrent import TanhCell
from hl_cli.networks.units import Local
from tests.credit.test_eligibility import LIVING, STILL, TICKS, Build, close, drives, through_time

TAIL = ("credit=tail",)


def weights(built: Any, arm: str = "hl") -> list[torch.Tensor]:
    return [w.clone() for w in built.arms[arm].learner.weights().values()]


@pytest.mark.parametrize(("window", "model"), [(1, "min_gru"), (5, "trace_units"), (8, "diagonal")])
def test_where_no_unit_sees_another_it_is_the_gradient_and_eligibility(build: Build, window: int, model: str) -> None:
    """The drives of all windows sum to BPTT over all ticks; trained, it is eligibility with update_every=w."""
    more = (*LIVING, f"model={model}")
    built = build(*more, *TAIL, f"credit.window={window}", *STILL)
    samples = list(islice(built.stream, TICKS))
    mean = [g * window for g in summed(built.hl, samples)]
    close(mean, through_time(built, samples), 1e-10)
    pair = [
        build(*more, *TAIL, f"credit.window={window}"),
        build(*more, "credit=eligibility", f"update_every={window}"),
    ]
    start = weights(pair[0])
    for sample in samples:
        for one in pair:
            one.hl.step(sample)
    assert max(float((a - b).abs().max()) for a, b in zip(*map(weights, pair), strict=True)) < 1e-12
    assert max(float((a - b).abs().max()) for a, b in zip(weights(pair[0]), start, strict=True)) > 1e-3


def summed(hl: Any, samples: list[Any]) -> list[torch.Tensor]:
    """What the rule was given at the end of each window, summed."""
    total: list[torch.Tensor] = []
    for sample in samples:
        with torch.no_grad():
            for _ in hl.credit.periods(sample):
                hl.phase.finish()
                now = [hl.phase.views(hl.phase.flat_drive)[p].clone() for p in hl.split.module.parameters()]
                if not hl.credit.waiting:
                    total = [a + b for a, b in zip(total, now, strict=True)] if total else now
    return total


@pytest.mark.parametrize("layers", [1, 2])
def test_without_a_past_it_is_truncated_back_propagation(
    build: Build, layers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """s = 0: its bits, with momentum; 1/8 rounds nothing."""
    said: Any = TanhCell.local

    def forgetful(self: TanhCell, tape: Any) -> Local:
        own, direct = said(self, tape)
        return Local(tuple(0 * part for part in own), 0 * direct)

    monkeypatch.setattr(TanhCell, "local", forgetful)
    more = ("dtype=float32", "arms.pytorch.window=8", "model=rnn", "scenario=mom_b", f"model.layers={layers}")
    built = build(*LIVING, *TAIL, *more)
    for sample in islice(built.stream, TICKS):
        built.hl.step(sample)
        built.pytorch.step(sample)
    for mine, other in zip(weights(built), weights(built, "pytorch"), strict=True):
        assert torch.equal(mine, other)


def test_with_a_past_it_is_nearer_to_the_gradient(build: Build) -> None:
    """Of a GRU: than the window without it, and than eligibility without the window."""
    gaps = []
    for credit in ("credit=tail", "credit=eligibility", "credit=exact"):
        built = build(*LIVING, "model=gru", credit, *STILL)
        samples = list(islice(built.stream, TICKS))
        wanted = torch.cat([g.flatten() for g in through_time(built, samples)])
        found = [g * 8 for g in summed(built.hl, samples)] if "tail" in credit else drives(built.hl, samples)
        gaps.append(float((torch.cat([g.flatten() for g in found]) - wanted).norm() / wanted.norm()))
    assert gaps[2] < 1e-10 < gaps[0] < gaps[1]


def test_the_equation_of_a_window(build: Build) -> None:
    """g of the second window of two layers: BPTT over it, and s(t0)^T A^T lam by autograd through h(t0) + s theta."""
    built = build(*LIVING, "model=rnn", *TAIL, "credit.window=4", *STILL)
    samples = list(islice(built.stream, 8))
    for sample in samples[:4]:
        built.hl.step(sample)
    s = built.hl.credit.neurons.past[0]
    h = built.hl.credit.neurons.after[0][0]
    built.hl.phase.drive.start()
    found = summed(built.hl, samples[4:])
    net: Any = copy.deepcopy(built.hl.split.module)
    cell, lanes = net.cells[0], built.hl.credit.neurons.lanes[0]
    laid = lanes.laid([cell.weight_ih, cell.bias_ih, cell.weight_hh, cell.bias_hh])
    state = h + ((laid - laid.detach()) * s[:, 0]).sum(0)
    losses = []
    for sample in samples[4:]:
        state = cell(sample.inputs[:, 0], state)
        losses.append(built.measure.loss(net.head(state), sample.target))
    wanted = torch.autograd.grad(sum(losses) / 4, list(net.parameters()))  # type: ignore[arg-type]
    close(found, list(wanted), 1e-12)
    assert float(s.abs().max()) > 1e-3


def test_it_goes_on_within_a_window(build: Build) -> None:
    """A checkpoint in the middle of one; momentum, update_every over two windows."""
    more = (*LIVING, "model=gru", *TAIL, "credit.window=3", "scenario=mom_b", "update_every=6")
    whole, parts = build(*more), build(*more)
    samples = list(islice(whole.stream, 20))
    for sample in samples[:10]:
        whole.hl.step(sample)
    parts.hl.load_state_dict(copy.deepcopy(whole.hl.state_dict()))
    for sample in samples[10:]:
        whole.hl.step(sample)
        parts.hl.step(sample)
    for mine, other in zip(weights(whole), weights(parts), strict=True):
        assert torch.equal(mine, other)


@pytest.mark.parametrize(
    ("more", "said"),
    [(("integrator=explicit_euler",), "explicit order"), (("model=antisymmetric",), "credit=tail: "),
     (("scheme.carry=false",), "scheme.carry")],
)  # fmt: skip
def test_bad_input(build: Build, more: tuple[str, ...], said: str) -> None:
    with pytest.raises(Exception, match=said):
        build(*LIVING, "model=rnn", *TAIL, *more)
