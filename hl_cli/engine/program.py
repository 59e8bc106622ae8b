r"""Recorded calls as one program, which is run without Python.

    inputs of the step, tensors that stay  ->  what the step leaves, the numbers that Python had read

The program is text in TorchScript's intermediate representation, a line a call, and is neither optimized nor fused:
the kernels, their order and so the bits are those of the eager step. After each number that Python had read, the rest
follows only where it is finite. The sum of omega may also overflow alone, as the guard of a weight step has it.

The driver runs it (hl_cli.engine.native), or TorchScript's interpreter (hl_cli.engine.interpreted).
It is right as long as the step makes the same calls on the same tensors. Whoever uses it compares two recordings.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from hl_cli.engine.interpreted import Interpreted
from hl_cli.engine.native import Native
from hl_cli.engine.recorder import Call, Unrecordable, tensors_in
from hl_cli.engine.words import fresh, paced, places, word

KINDS = (torch.dtype, torch.layout, torch.memory_format)
PASSED: dict[type, str] = {**dict.fromkeys(KINDS, "int"), torch.device: "Device", complex: "complex"}
"""Values that the text has no word for are inputs, of these types."""


class Program:
    """Of the calls of a step; inputs: tensors that are others at each step; left: what it said, and what goes on.

    asked: how many of the inputs, the first ones, must be in its calls; pace: numbers that are others at each step, in
    its calls as they are, negative, or as a tensor of one element like `like`; moves: whether the last number is the
    sum of omega; stays: what else it takes; numbers: how many Python had read. Raises Unrecordable.
    """

    def __init__(
        self,
        calls: Sequence[Call],
        inputs: Sequence[Tensor],
        left: Sequence[Tensor],
        asked: int,
        pace: Sequence[float] = (),
        like: Tensor | None = None,
        moves: bool = False,
    ) -> None:
        self._names, self._types = dict[int, str](), list[str]()
        self.stays: list[Any] = []
        self._inputs, self._count = [id(one) for one in inputs], 0
        self._written, self._numbers = [list[str]()], list[tuple[str, str]]()
        self._sums: dict[int, Tensor] = {}  # of which tensor a result is the sum
        self.numbers = sum(call.is_number for call in calls)
        self._calls = list(calls)
        for one in inputs:
            self._enter(one, "Tensor")
        self._like, self._moves, paces = like, moves, paced(pace, like)
        self._paced = {value: self._enter(value, "float") for value in paces[: 2 * len(pace)]}
        for tensor in paces[2 * len(pace) :]:
            self._enter(tensor, "Tensor")
        made, used = set(self._inputs), set[int]()
        for call in calls:
            given = [id(one) for one in tensors_in(call.given)]
            used.update(given)
            if call.is_view and not made & set(given):
                continue  # a view of what stays: it stays itself
            self._write(call)
            made |= {id(one) for one in tensors_in(call.results)} - {id(one) for one in self.stays}
        if not used.issuperset(self._inputs[:asked]):
            raise Unrecordable("a part of the sample reaches PyTorch by another way than its calls")
        self._left = [self._name_of_left(one) for one in left]
        self.text = self._whole()
        self.native: Native | None = None
        self._interpreted: Interpreted | None = None

    def ready(self, inputs: Sequence[Tensor], pace: Sequence[float], native: bool) -> None:
        """Let somebody run it, the driver where that is there and can; it may take the step for that."""
        if native:
            try:
                self.native = Native(self.text, inputs, pace, self._like, self.stays)
                return
            except RuntimeError:
                pass  # of results that are too large to be kept, or are views and are none
        said = self._types, self._written, self._numbers, self._left, self._moves
        self._interpreted = Interpreted(*said, self._new)

    def __call__(self, inputs: Sequence[Tensor], pace: Sequence[float] = ()) -> tuple[list[Tensor], list[float]]:
        """What it leaves and the numbers; from one that is not finite on nothing was done, and all are that one."""
        if self.native is not None:
            return self.native(inputs, pace)
        assert self._interpreted is not None
        return self._interpreted(inputs, paced(pace, self._like, fresh), self.stays)

    def same(self, other: Program) -> bool:
        """Whether two steps have made the same calls on the same tensors."""
        mine, theirs = map(places, (self.stays, other.stays))
        return self.text == other.text and mine == theirs

    def forget(self) -> None:
        """Let go of what the recorded step has computed, once no other recording is compared with this."""
        self._calls.clear()

    def _name_of_left(self, one: Tensor) -> str:
        """Of a result of its calls, or of a view of what stays."""
        if id(one) not in self._names:
            if all(one.untyped_storage().data_ptr() != s.untyped_storage().data_ptr() for s in tensors_in(self.stays)):
                raise Unrecordable("what it leaves is not a result of its calls")
            self.stays.append(one)
            self._enter(one, "Tensor")
        return self._names[id(one)]

    def _enter(self, value: Any, kind: str) -> str:
        """A further input."""
        name = f"%in{len(self._types)}"
        self._types.append(f"{name} : {kind}")
        if isinstance(value, Tensor):
            self._names[id(value)] = name
        return name

    def _new(self) -> str:
        self._count += 1
        return f"%v{self._count}"

    def _line(self, kind: str, text: str) -> str:
        name = self._new()
        self._written[-1].append(f"{name} : {kind} = {text}")
        return name

    def _value(self, value: Any, kind: Any) -> str:
        """The name of an argument; kind: of the schema."""
        if kind.kind() == "OptionalType":
            kind = kind.getElementType()
        if value is None:
            return self._line("NoneType", "prim::Constant()")
        if isinstance(value, Tensor):
            if id(value) not in self._names:
                self.stays.append(value)
                return self._enter(value, "Tensor")
            return self._names[id(value)]
        if isinstance(value, list | tuple):
            of = kind.getElementType()
            parts = ", ".join(self._value(part, of) for part in value)
            return self._line(f"{word(of)}[]", f"prim::ListConstruct({parts})")
        if isinstance(value, bool):
            return self._line("bool", f"prim::Constant[value={int(value)}]()")
        if isinstance(value, float) and value in self._paced:
            return self._paced[value]
        if isinstance(value, int | float) and math.isfinite(value):
            is_float = isinstance(value, float) or kind.kind() == "FloatType"
            text = repr(float(value)) if is_float else str(value)
            return self._line("float" if is_float else "int", f"prim::Constant[value={text}]()")
        if isinstance(value, str) and kind.kind() == "StringType":
            return self._line("str", f'prim::Constant[value="{value}"]()')
        passed = PASSED.get(type(value), "float" if isinstance(value, float) else None)
        if passed is None:
            raise Unrecordable(f"a call takes a value of type {type(value).__name__}")
        self.stays.append(value)
        return self._enter(value, passed)

    def _write(self, call: Call) -> None:
        """A line for the call, and one for each list that it gives."""
        schema = call.operator._schema
        given = ", ".join(self._value(value, of.type) for value, of in zip(call.given, schema.arguments, strict=True))
        names, lists = [], []
        for result in call.results:
            name, kind = self._new(), "Tensor"
            if isinstance(result, list | tuple) and all(isinstance(part, Tensor) for part in result):
                kind = "Tensor[]"
                lists.append((name, result))
            elif isinstance(result, Tensor):
                self._names.setdefault(id(result), name)  # one that is written in place has its name
            elif call.is_number:
                kind = "Scalar"
            elif result is not None:  # None: a gradient that nobody asked for
                raise Unrecordable(f"{schema.name} gives Python a value that is no number of a tensor")
            names.append(f"{name} : {kind}")
        self._written[-1].append(f"{', '.join(names)} = {schema.name}({given})" if names else f"{schema.name}({given})")
        for name, parts in lists:
            into = [self._new() for _ in parts]
            for part, one in zip(parts, into, strict=True):
                self._names.setdefault(id(part), one)
            typed = ", ".join(f"{one} : Tensor" for one in into)
            self._written[-1].append(f"{typed} = prim::ListUnpack({name})")
        if call.is_number:
            number, (of,) = self._line("float", f"aten::Float({names[0].split()[0]})"), call.given
            self._numbers.append((number, self._names[id(self._sums.get(id(of), of))]))
            self._written.append([])
        elif schema.name == "aten::sum":
            self._sums[id(call.results[0])] = call.given[0]

    def _whole(self) -> str:
        """The text, with a line that asks whether a number is finite after it, or all of a tensor is."""
        lines = list(self._written[0])
        for k, (number, of) in enumerate(self._numbers, start=1):
            asked = f"{number}, {of}" if self._moves and k == len(self._numbers) else number
            lines += [f"hl::guard({asked})", *self._written[k]]
        body = "".join(f"  {line}\n" for line in [*lines, f"return ({', '.join(self._left)})"])
        return f"graph({', '.join(self._types)}):\n{body}"
