r"""A recorded program as a function of tensors, for a compiler: what it writes into is moved only where all is well.

    (inputs, numbers that differ from step to step, memories)  ->  (what it leaves, the numbers that Python had read)

A memory is a piece of what stays, hl_cli.engine.pieces: a slot of theta, omega or the drive, a buffer of the net, a
constant. What the program writes into a memory is first written into a copy. The copy takes its place where every
number is finite; else nothing has moved, and somebody else may take the period again from where it began. A scratch is
a memory whose numbers of before nobody needs: it is written in any case, or never where nobody reads it afterwards.
Other roundings than those of the recorded calls are allowed: the function is to be compared with them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from hl_cli.engine import complexes
from hl_cli.engine.complexes import Complex
from hl_cli.engine.parts import called, whole, writes
from hl_cli.engine.pieces import Place, cut
from hl_cli.engine.recorder import Unrecordable

Scaled = Callable[..., Any]
aten = torch.ops.aten


def _call(operator: Any, *args: Any) -> Any:
    return called(operator, args, {})


SCALED: dict[str, Scaled] = {
    "aten::add_": lambda x, y, a: _call(aten.add_.Tensor, x, _call(aten.mul.Tensor, y, a)),
    "aten::sub_": lambda x, y, a: _call(aten.sub_.Tensor, x, _call(aten.mul.Tensor, y, a)),
    "aten::addcmul_": lambda x, y, z, a: _call(aten.addcmul_.default, x, _call(aten.mul.Tensor, y, a), z),
    "aten::addcdiv_": lambda x, y, z, a: _call(
        aten.add_.Tensor, x, _call(aten.mul.Tensor, _call(aten.div.Tensor, y, z), a)
    ),
}
"""Calls whose last argument, a number, may differ from step to step."""
READ = "aten::_local_scalar_dense"
PASSED_OVER = ("aten::Float", "hl::guard")  # of numbers


class Scratch(NamedTuple):
    """Of a tensor that is the memory; read: whether somebody needs it afterwards."""

    memory: Tensor
    read: bool


class Traced:
    """Of the text of a program; inputs: whether each is complex; pace: how many there are; stays: what else it takes.

    A complex tensor is given and left as torch.view_as_real has it. memories: in the order in which it takes them;
    description: of all that the function depends on beside the shapes of the inputs. Raises Unrecordable for random
    numbers, memories of mixed types, and calls that it does not know of complex numbers.
    """

    def __init__(
        self, text: str, inputs: Sequence[bool], pace: int, stays: Sequence[Any], scratch: Scratch | None = None
    ) -> None:
        self._graph = torch._C.parse_ir(text)
        self._complex, self._inputs, self._pace = list(inputs), len(inputs), pace
        self.memories, found = cut([real(one) for one in stays if isinstance(one, Tensor)])
        places = iter(found)
        self._stays = [next(places) if isinstance(one, Tensor) else one for one in stays]
        self._pairs = [isinstance(one, Tensor) and one.is_complex() for one in stays]
        self._names = [value.debugName() for value in self._graph.inputs()]
        self._moved, self._read = self._written(), scratch is not None and scratch.read
        at = [one.untyped_storage().data_ptr() for one in self.memories]
        free = scratch.memory.untyped_storage().data_ptr() if scratch is not None else None
        self._free = {k for k in self._moved if at[k] == free}
        kinds = [(tuple(one.shape), str(one.dtype)) for one in self.memories]
        freed = sorted(self._free), self._read
        self.description = text, self._complex, pace, str(self._stays), self._pairs, kinds, freed

    def __call__(self, *given: Tensor) -> tuple[Tensor, ...]:
        """As at the head of this file; the numbers in one tensor, the last."""
        laid, rates, memories = self._parts(given)
        inputs = [Complex.of(one) if pair else one for one, pair in zip(laid, self._complex, strict=True)]
        works = [one.clone() if k in self._moved else one for k, one in enumerate(memories)]
        left, numbers = self._run([*inputs, *rates, *(-rate for rate in rates), *rates, *self._tensors(works)])
        read = torch.stack([one.to(torch.float64) for one in numbers]) if numbers else torch.empty(0)
        well = torch.isfinite(read).all()
        for k in sorted(self._moved - self._free):
            memories[k].copy_(torch.where(well, works[k], memories[k]))
        for k in sorted(self._free) if self._read else ():
            memories[k].copy_(works[k])
        return *(_laid(one) for one in left), read

    def _parts(self, given: Sequence[Tensor]) -> tuple[Sequence[Tensor], Sequence[Tensor], Sequence[Tensor]]:
        first, second = self._inputs, self._inputs + self._pace
        return given[:first], given[first:second], given[second:]

    def _tensors(self, memories: Sequence[Tensor]) -> list[Any]:
        found: list[Any] = [one.of(memories) if isinstance(one, Place) else one for one in self._stays]
        return [Complex.of(one) if pair else one for one, pair in zip(found, self._pairs, strict=True)]

    def _written(self) -> set[int]:
        """The memories that its calls write into."""
        lies: dict[str, set[int]] = {}
        for name, one in zip(self._names[self._inputs + 3 * self._pace :], self._stays, strict=True):
            lies[name] = set(range(one.piece, one.piece + one.over)) if isinstance(one, Place) else set()
        found: set[int] = set()
        for node in self._graph.nodes():
            within = [lies.get(value.debugName(), set()) for value in node.inputs()]
            aliases = node.kind().startswith("prim::List")
            if node.schema() not in ("(no schema)", "") and node.kind().startswith("aten::"):
                schema = torch._C.parse_schema(node.schema())
                for of, argument in zip(within, schema.arguments, strict=True):
                    found |= of if argument.is_out or writes(argument) else set()
                aliases = any(one.alias_info is not None for one in schema.returns)
            for value in node.outputs():
                lies[value.debugName()] = set().union(*within) if aliases else set()
        return found

    def _run(self, given: Sequence[Any]) -> tuple[list[Tensor], list[Tensor]]:
        """What it leaves and the numbers, as tensors."""
        known: dict[str, Any] = dict(zip(self._names, given, strict=True))
        numbers: list[Tensor] = []
        for node in self._graph.nodes():
            kind, outs = node.kind(), [value.debugName() for value in node.outputs()]
            args: list[Any] = [known.get(value.debugName()) for value in node.inputs()]
            if kind == "prim::Constant":
                known[outs[0]] = node.output().toIValue()
            elif kind == "prim::ListConstruct":
                known[outs[0]] = args
            elif kind == "prim::ListUnpack":
                known.update(zip(outs, args[0], strict=True))
            elif kind == READ:
                numbers.append(args[0].reshape(()))
            elif kind not in PASSED_OVER:
                made = _called(node, args)
                known.update(zip(outs, made if len(outs) > 1 else [made], strict=len(outs) > 0))
        return [known[value.debugName()] for value in self._graph.outputs()], numbers


def _called(node: Any, args: list[Any]) -> Any:
    """What a call gives."""
    schema = torch._C.parse_schema(node.schema())
    packet = getattr(torch.ops.aten, schema.name.partition("::")[2])
    operator = getattr(packet, schema.overload_name or "default")
    if torch.Tag.nondeterministic_seeded in operator.tags:
        raise Unrecordable("it draws random numbers, which a compiler draws in another way")
    scalars = [one for one, of in zip(args, schema.arguments, strict=True) if _is_number(of, one)]
    if scalars:
        scaled = SCALED.get(schema.name)
        if scaled is None or len(scalars) > 1 or args[-1] is not scalars[0]:
            raise Unrecordable(f"{schema.name} takes a number that differs from step to step")
        return scaled(*args)
    given = [one for one, of in zip(args, schema.arguments, strict=True) if not of.kwarg_only]
    named = {of.name: one for one, of in zip(args, schema.arguments, strict=True) if of.kwarg_only}
    if complexes.known(schema.name, args):
        return complexes.called(schema.name, given, named)
    return called(operator, given, named)


def _laid(one: Any) -> Tensor:
    """As one tensor of its own."""
    return one.pairs() if isinstance(one, Complex) else whole(one).clone()


def real(one: Tensor) -> Tensor:
    """The same numbers, complex ones as pairs."""
    return torch.view_as_real(one) if one.is_complex() else one


def _is_number(argument: Any, value: Any) -> bool:
    """Whether a number is asked for where a tensor is given."""
    return isinstance(value, Tensor) and argument.type.kind() in ("NumberType", "FloatType")


def like(one: Tensor) -> Tensor:
    """A tensor that lies as this one, in memory of its own."""
    if math.prod(one.shape) == 0:
        return one.clone()
    return torch.empty_strided(one.shape, one.stride(), dtype=one.dtype).copy_(one)
