"""Bench rows of learning over time: a tick of forward credit by one of truncated BPTT, and of eligibility by that."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from ratios import build, compare

from hl_cli.build import Comparison
from hl_cli.engine.driver import driver

ROWS = (
    ("rnn", 0.7),
    ("gru", 0.7),
    ("lstm", 0.7),
    ("leaky_rnn", 0.7),
    ("diagonal", 0.7),
    ("rotation", 0.7),
)

ELIGIBILITY = (
    ("trace_units", 1.0),
    ("complex_diagonal", 1.15),
    ("diagonal", 1.15),
    ("min_gru", 1.15),
    ("elementwise_lstm", 1.2),
    ("gru", 2.1),
)


def bare_truncated(built: Comparison) -> Callable[[], object]:
    """A loop's body as anyone writes it: one tick, backward, step, cut."""
    module: Any = built.pytorch.module
    optimizer, sample = built.pytorch.optimizer, next(built.fresh_stream())
    states: list[Any] = [None] * len(module.cells)

    def step() -> float:
        nonlocal states
        assert sample.target is not None
        optimizer.zero_grad()
        x, new = module.tick(sample.inputs[:, 0], states, module.ready())
        loss = built.measure.loss(module.head(x), sample.target)
        loss.backward()
        optimizer.step()
        states = [tuple(part.detach() for part in s) if isinstance(s, tuple) else s.detach() for s in new]
        return loss.item()

    return step


def choice(model: str) -> list[str]:
    return [
        "scheme=forward", "stream=mackey_glass", "stream.ticks=1", f"model={model}", "model.hidden=64",
        "arms.pytorch.window=1", "scenario=gd_b", "scenario.lr=1e-9",
    ]  # fmt: skip


def eligibility() -> None:
    print("\nOne tick of credit=eligibility, by one of forward credit with scheme.carry=false; 64 neurons, batch 1")
    for model, limit in ELIGIBILITY:
        ours, theirs = (build(*choice(model), one) for one in ("credit=eligibility", "scheme.carry=false"))
        sample = next(ours.stream)
        compare(model, limit, partial(ours.hl.step, sample), partial(theirs.hl.step, sample))


def forward() -> None:
    print("\nOne tick of forward credit, by PyTorch's truncated BPTT with window 1; 64 neurons, batch 1")
    for model, limit in ROWS:
        built = build(*choice(model))
        compare(model, limit, partial(built.hl.step, next(built.stream)), bare_truncated(built))
    for model, _ in ROWS[1:] if driver() else ():  # the first is a row of bench_compiled; without a compiler none
        built = build(*choice(model), "engine=compiled")
        compare(f"{model} engine=compiled", 0.1, partial(built.hl.step, next(built.stream)), bare_truncated(built))
    eligibility()
