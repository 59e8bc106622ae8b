"""What a tick of eligibility asks of PyTorch: so many calls and no more, for a tick of a small net is made of calls."""

from __future__ import annotations

from itertools import islice

import pytest

from hl_cli.engine.recorder import recorded
from tests.credit.test_eligibility import LIVING, STILL, Build

CALLS = {"trace_units": 49, "diagonal": 29, "min_gru": 30, "complex_diagonal": 47, "elementwise_lstm": 51, "gru": 69}


@pytest.mark.parametrize("model", CALLS)
def test_a_tick_makes_few_calls(build: Build, model: str) -> None:
    """With its loss, credit and weight step; from the second tick on."""
    built = build(*LIVING, "credit=eligibility", f"model={model}", *STILL)
    *first, last = islice(built.stream, 4)
    for sample in first:
        built.hl.step(sample)
    with recorded() as calls:
        built.hl.step(last)
    assert len(calls) <= CALLS[model]
