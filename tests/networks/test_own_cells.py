"""A user's own recurrent cell, called as cell(x, h), and a user's net that is one block, from the config."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hl_cli.build import Comparison, comparison
from hl_cli.credit.costate import Costate
from hl_cli.errors import BadInput, NoSuchCombination
from hl_cli.learners.truncated import TruncatedLearner
from tests.covering import one_in
from tests.networks.test_own_nets import SHORT, run

Build = Callable[..., Comparison]
CELLS = [("OwnCell", "{}"), ("PairCell", "{}"), ("torch_cell", "{kind: LSTMCell}"), ("torch_cell", "{kind: GRUCell}")]


def cell(name: str, options: str = "{}") -> tuple[str, ...]:
    return ("model=module", f"model.factory=tests.nets:{name}", f"model.options={options}")


@one_in(3)
@pytest.mark.parametrize(("name", "options"), CELLS)
@pytest.mark.parametrize("split", ["state", "state_output"])
def test_forward_credit_beside_truncated_bptt(build: Build, name: str, options: str, split: str) -> None:
    """With the costates zeroed it is truncated BPTT with window 1, a weight that is never used included."""
    live = ("scheme=forward", "stream=sine", "stream.ticks=1", f"split={split}", *SHORT)
    built = build(*cell(name, options), *live, "pytorch.window=1", "scheme.carry=false")
    assert isinstance(built.hl.credit, Costate) and isinstance(built.pytorch, TruncatedLearner)
    assert run(built)[0].word == "identical"
    wide = build(*cell(name, options), *live, "pytorch.window=8")
    assert run(wide)[0].word == "different" and wide.pytorch.window == 8


@pytest.mark.parametrize("split", ["output", "state", "state_output"])
def test_over_whole_sequences(build: Build, split: str) -> None:
    assert run(build(*cell("PairCell"), "stream=digits_rows", f"split={split}", *SHORT))[0].word == "identical"


def test_in_real_time(build: Build) -> None:
    live = ("scheme=forward", "stream=sine", "stream.ticks=1", *SHORT)
    assert run(build(*cell("OwnCell"), *live, "pytorch.credit=rtrl"))[0].word == "different"


WRONG = {
    "width": "called as cell.x, h. whose hidden_size is None; allowed: an attribute hidden_size",
    "zero": r"whose hidden_size is \(5, 0\)",
    "one": r"the cell makes \[\(1, 5\)\] of a state of \[\(1, 5\), \(1, 3\)\]; allowed: a tuple of tensors",
    "turned": r"the cell makes \[\(1, 3\), \(1, 5\)\]",
}


@pytest.mark.parametrize("wrong", WRONG)
def test_cells_that_break_the_contract(build: Build, wrong: str) -> None:
    with pytest.raises(BadInput, match=WRONG[wrong]) as refused:
        build(*cell("PairCell", f"{{wrong: {wrong}}}"), "scheme=forward", "stream=sine", "stream.ticks=1")
    assert "\n" not in str(refused.value)


def test_a_net_of_one_block_takes_a_split_that_it_can_have(configured: Callable[..., object]) -> None:
    asked = configured("model=module", "model.factory=tests.nets:Branches", *SHORT)
    with pytest.raises(NoSuchCombination, match=r"one block, for it is not a torch.nn.Sequential .* output, state$"):
        comparison(asked)  # type: ignore[arg-type]
    built = comparison(asked, split_asked=False)  # type: ignore[arg-type]
    assert asked.split.name == "state"  # type: ignore[attr-defined]
    assert "is no torch.nn.Sequential of several parts: it is one block, under split=state" in built.note
    assert run(built)[0].word == "identical"


def test_a_net_of_several_parts_keeps_the_usual_split(configured: Callable[..., object]) -> None:
    cfg = configured("model=module", "model.factory=tests.nets:unusual", "model.options={kind: plain}")
    assert "one block" not in comparison(cfg, split_asked=False).note  # type: ignore[arg-type]
    assert cfg.split.name == "state_output"  # type: ignore[attr-defined]
