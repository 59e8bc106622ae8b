"""A flat tensor that is kept in parts: what acts element by element acts on each of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

EACH = ("aten::copy_", "aten::zero_", "aten::fill_")  # act element by element, too, and are not said to
aten = torch.ops.aten


@dataclass
class Parts:
    """A flat tensor as its pieces."""

    of: list[Tensor]

    def flat(self) -> Tensor:
        """As one tensor."""
        return torch.cat([one.reshape(-1) for one in self.of])

    def like(self, flat: Tensor) -> Parts:
        """Another flat tensor, cut as this one."""
        cut = flat.split([one.numel() for one in self.of])
        return Parts([part.view(one.shape) for part, one in zip(cut, self.of, strict=True)])


def called(operator: Any, args: Sequence[Any], named: dict[str, Any]) -> Any:
    """What a call gives where some of what it is given may be in parts."""
    given = [*args, *named.values()]
    wholes = [one for value in given for one in _each_of(value) if isinstance(one, Parts)]
    if not wholes:
        return operator(*args, **named)
    if _alike(operator, given, wholes):
        return _by_piece(operator, wholes[0], args, named)
    if operator is aten.sum.default:
        return torch.stack([operator(one, **named) for one in wholes[0].of]).sum()
    flats = {id(one): one.flat() for one in wholes}

    def flat(value: Any) -> Any:
        return [flat(one) for one in value] if isinstance(value, list) else flats.get(id(value), value)

    made = operator(*map(flat, args), **{name: flat(value) for name, value in named.items()})
    for one in _written(operator, args, named):
        if isinstance(one, Parts):
            for piece, now in zip(one.of, one.like(flats[id(one)]).of, strict=True):
                piece.copy_(now)
    return made


def whole(one: Tensor | Parts) -> Tensor:
    """As one tensor."""
    return one.flat() if isinstance(one, Parts) else one


def writes(argument: Any) -> bool:
    """Whether a call writes into what it is given for an argument of its schema."""
    return argument.alias_info is not None and bool(argument.alias_info.is_write)


def _each_of(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _written(operator: Any, args: Sequence[Any], named: dict[str, Any]) -> list[Any]:
    of = operator._schema.arguments
    pairs = [*zip(args, of, strict=False), *((named[one.name], one) for one in of if one.name in named)]
    return [one for value, argument in pairs if writes(argument) for one in _each_of(value)]


def _alike(operator: Any, given: Sequence[Any], wholes: Sequence[Parts]) -> bool:
    """Whether a call acts element by element on flat tensors that are cut alike, or not at all, and on numbers."""
    sizes = {tuple(piece.numel() for piece in one.of) for one in wholes}
    if len(sizes) > 1 or not (torch.Tag.pointwise in operator.tags or operator._schema.name in EACH):
        return False
    tensors = [one for one in given if isinstance(one, Tensor)]
    return all(one.numel() == 1 or one.shape == (sum(next(iter(sizes))),) for one in tensors)


def _by_piece(operator: Any, whole: Parts, args: Sequence[Any], named: dict[str, Any]) -> Any:
    """Such a call, on each piece."""

    def at(k: int, value: Any) -> Any:
        if isinstance(value, Tensor) and value.numel() > 1:
            value = whole.like(value)
        return value.of[k] if isinstance(value, Parts) else value

    made = [
        operator(*(at(k, value) for value in args), **{name: at(k, value) for name, value in named.items()})
        for k in range(len(whole.of))
    ]
    written = _written(operator, args, named)
    return written[0] if written else Parts(made)
