"""What a state_dict of HL must be to be taken up, and its costates as they were saved.

torch.optim.Optimizer rounds what it loads to the dtype of the parameter; costates may be of a finer one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

from torch import Tensor

from hl_cli.errors import BadInput
from hl_cli.optimizer.buckets import State, costate_dtype

Groups = Sequence[dict[str, Any]]


def refuse_unlike(saved: dict[str, Any], groups: Groups) -> None:
    """Raise BadInput for the state of another optimizer, or of parameters of other shapes."""
    for place, (before, group) in enumerate(zip(saved["param_groups"], groups, strict=False)):
        if before.get("rule") != group["rule"]:
            raise BadInput(
                f"state_dict: group {place} is of {before.get('rule', 'another optimizer')}: "
                f"allowed: of HL with the rule {group['rule']}"
            )
    for number, (p, state) in enumerate(_states(saved, groups)):
        for name, value in state.items():
            if isinstance(value, Tensor) and value.shape != p.shape:
                raise BadInput(
                    f"state_dict: {name} of parameter {number} has the shape {tuple(value.shape)}: "
                    f"allowed: {tuple(p.shape)}"
                )


def costates(saved: dict[str, Any], groups: Groups) -> Iterator[tuple[Tensor, State]]:
    """Parameter and its state, in copies."""
    for p, state in _states(saved, groups):
        copies = {
            name: value.to(p.device, costate_dtype(p), copy=True)
            for name, value in state.items()
            if isinstance(value, Tensor)
        }
        yield p, {**state, **copies}


def _states(saved: dict[str, Any], groups: Groups) -> Iterator[tuple[Tensor, State]]:
    numbers, parameters = (chain.from_iterable(g["params"] for g in of) for of in (saved["param_groups"], groups))
    for number, p in zip(numbers, parameters, strict=False):
        if number in saved["state"]:
            yield p, saved["state"][number]
