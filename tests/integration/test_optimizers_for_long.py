"""HL equals torch's optimizers bit for bit over thousands of steps: every set of options, nets, splits, schedules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from hl_cli.build import Comparison
from tests.covering import FULL, long
from tests.integration.test_matrix import verdict_of
from tests.option_sets import OF_MASSES, SGDS

STEPS = 5000
NETS = [
    (f"split={split}", *net)
    for net in (
        ("stream=digits", "model=mlp", "model.hidden=[7]"),
        ("stream=digits", "model=cnn", "model.channels=[3]"),
        ("stream=iris", "model=rnn", "model.hidden=7"),
        ("stream=digits_rows", "model=lstm", "model.hidden=7"),
    )
    for split in ("output", "state", "state_output")
]
SCHEDULES = ["constant", "cosine", "step", "warmup", "warmup_cosine"]
KINDS = [(dtype, batch) for dtype in ("float32", "float64") for batch in (1, 32)]
SETS = [
    *(("custom", {"lr": 0.003, **options}) for options in SGDS),
    *((name, options) for name, sets in OF_MASSES.items() for options in sets),
]
CASES = [
    pytest.param((name, options), *KINDS[k], NETS[(4 * n + k) % len(NETS)], SCHEDULES[(n + k) % len(SCHEDULES)],
                 id=f"{name}-{n}-{KINDS[k][0]}-{KINDS[k][1]}")
    for n, (name, options) in enumerate(SETS)
    for k in range(len(KINDS))
]  # fmt: skip


@long
@pytest.mark.parametrize(("scenario", "dtype", "batch", "net", "schedule"), CASES if FULL else CASES[:1])
def test_identical(
    build: Callable[..., Comparison],
    scenario: tuple[str, dict[str, Any]],
    dtype: str,
    batch: int,
    net: tuple[str, ...],
    schedule: str,
) -> None:
    """A loss that is to grow does so slowly: what overflows proves nothing."""
    name, options = scenario
    own = options if not options["maximize"] else {**options, "lr": 1e-5}
    numbers = (f"scenario.{option}={value}" for option, value in own.items())
    built = build(
        f"scenario={name}", *numbers, *net, f"dtype={dtype}", f"batch_size={batch}", f"schedule={schedule}",
        f"steps={STEPS}", "eval_every=0",
    )  # fmt: skip
    assert verdict_of(built) == "identical"
