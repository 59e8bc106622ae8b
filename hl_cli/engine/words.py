"""How a program names what it is given: types, values and places."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from hl_cli.dynamics.rules.drift import scalar


def paced(pace: Sequence[float], like: Tensor | None, made: Callable[[float, Tensor], Tensor] = scalar) -> list[Any]:
    """The numbers in all their forms; made: the form of a tensor."""
    return [] if like is None else [*pace, *(-one for one in pace), *(made(one, like) for one in pace)]


def fresh(value: float, like: Tensor) -> Tensor:
    """As `scalar`, without a place among the numbers that are kept: constants of a recording must not lose theirs."""
    return torch.tensor(value, dtype=like.dtype)


def word(kind: Any) -> str:
    """The type of the elements of a list, as the text says it."""
    words = {"TensorType": "Tensor", "IntType": "int", "FloatType": "float", "BoolType": "bool", "NumberType": "Scalar"}
    optional = kind.kind() == "OptionalType"
    return word(kind.getElementType()) + "?" if optional else words.get(kind.kind(), "int")


def places(values: Sequence[Any]) -> list[Any]:
    """Where tensors lie and how; other values as they are."""
    return [
        (one.data_ptr(), one.shape, one.stride(), one.dtype) if isinstance(one, Tensor) else str(one) for one in values
    ]
