"""How a program names what it is given: types, values and places."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from hl_cli.dynamics.rules.drift import scalar


def paced(pace: Sequence[float], like: Tensor | None) -> list[Any]:
    """The numbers in all their forms."""
    return [] if like is None else [*pace, *(-one for one in pace), *(scalar(one, like) for one in pace)]


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
