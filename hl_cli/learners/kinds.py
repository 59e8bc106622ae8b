"""Kinds of learning periods: those of one kind make the same calls of PyTorch, and a recording stands for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from hl_cli.credit.base import Form
from hl_cli.dynamics.accumulator import GradientAccumulator

TURNS = 2  # kinds that may take turns: omega and the drive change places, or do not


def kind_of(learner: Any, inputs: Tensor, target: Tensor | None, moves: bool) -> Any:
    """By what the calls may differ of the period of a ReplayedLearner that comes; moves: its weights, in it."""
    carried = [None if one is None else one.shape for one in learner.credit.carried()]
    return kind_after(learner, learner.phase.drive, inputs, target, learner.credit.form(), carried, moves)


def kind_after(
    learner: Any,
    drive: GradientAccumulator,
    inputs: Tensor,
    target: Tensor | None,
    form: Form,
    carried: Sequence[torch.Size | None],
    moves: bool,
) -> Any:
    """The same of a period that begins with this drive, and with tensors of these shapes carried on."""
    flags = drive.noted() if drive.gathering else None
    asked = None if target is None else (target.shape, target.stride(), target.dtype)
    c = learner.coefficients
    step = (c, learner.credit.phi(c, learner.moves), learner.sums) if moves else None
    given = inputs.shape, inputs.stride(), inputs.dtype
    return id(drive), flags, given, asked, form, tuple(carried), step


def entered(kinds: dict[Any, Any], kind: Any, replay: Any) -> Any:
    """What was recorded of this kind before, that both may be compared; None where this is the one that counts."""
    found = kinds.setdefault(kind, replay)
    if found.first_of_kind and found is not replay and not found.same(replay):
        kinds[kind], replay.first_of_kind = replay, False  # it made ready what others find
        return None
    return None if found is replay else found


def lasting(learner: Any, kind: Any) -> str:
    """What a kind is called in every process, wherever the drive lies."""
    _, flags, *rest = kind
    places = {id(one): k for k, one in enumerate(learner.phase.parameters)}
    return repr((flags and [sorted(map(places.__getitem__, of)) for of in flags], *rest))


def in_turns(learner: Any, inputs: Tensor, target: Tensor) -> list[Any]:
    """The recordings that take turns from now on, as long as samples are like this one; none where it is not known."""
    phase, turns = learner.phase, list[Any]()
    kind = kind_of(learner, inputs, target, True)
    for _ in range(TURNS + 1):
        found = learner.kinds.get(kind)
        native = found.running.native if found is not None and found.proven else None
        if native is None or not native.steady:
            return []
        if turns and found is turns[0]:
            return turns
        turns.append(found)
        drive = phase.drive if sum(one.exchanges for one in turns) % 2 == 0 else phase.other_drive
        kind = kind_after(learner, drive, inputs, target, found.form, found.shapes, True)
    return []
