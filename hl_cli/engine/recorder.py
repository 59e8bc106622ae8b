"""What one eager step asks of PyTorch: its ATen calls, in their order, with what they were given and what they gave."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode


class Unrecordable(Exception):
    """A step that cannot be called again without Python; the text says why."""


class Call(NamedTuple):
    """One call below autograd, `operator(*args, **kwargs)`; given: all arguments of its schema in their order."""

    operator: Any
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    results: tuple[Any, ...]

    @property
    def given(self) -> tuple[Any, ...]:
        """With the defaults of the schema."""
        rest = self.operator._schema.arguments[len(self.args) :]
        return self.args + tuple(self.kwargs.get(one.name, one.default_value) for one in rest)

    @property
    def is_number(self) -> bool:
        """Whether it hands a number to Python, as Tensor.item does."""
        return bool(self.operator._schema.name == "aten::_local_scalar_dense")

    @property
    def is_view(self) -> bool:
        """Whether all that it gives are views of what it was given, and nothing is written."""
        schema = self.operator._schema
        aliases = [one.alias_info for one in schema.returns]
        return not schema.is_mutable and all(alias is not None for alias in aliases)


class _Mode(TorchDispatchMode):
    def __init__(self, calls: list[Call]) -> None:
        super().__init__()
        self.calls = calls

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """PyTorch's compiler, which is not at work here, is not to be imported to be told to pass over this."""
        return False

    def __torch_dispatch__(
        self, operator: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        found = operator(*args, **(kwargs or {}))
        if operator.namespace == "profiler":  # a name for whoever measures, which computes nothing
            return found
        several = isinstance(found, tuple | list) and len(operator._schema.returns) != 1
        results = tuple(found) if several else (found,) if operator._schema.returns else ()
        self.calls.append(Call(operator, args, kwargs or {}, results))
        return found


@contextmanager
def recorded() -> Iterator[list[Call]]:
    """The calls of what runs inside. They keep all tensors alive, so that none takes the place of another."""
    calls: list[Call] = []
    with _Mode(calls):
        yield calls


def tensors_in(values: Any) -> Iterator[Tensor]:
    """All tensors among values, in lists too."""
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, list | tuple):
            yield from tensors_in(value)


def check_pure(calls: Sequence[Call]) -> None:
    """Raise Unrecordable for calls that write into anything but their own results: they cannot be tried twice."""
    made = set[int]()
    for call in calls:
        arguments = call.operator._schema.arguments
        written = (v for v, of in zip(call.given, arguments, strict=True) if of.alias_info and of.alias_info.is_write)
        if not {id(one) for one in tensors_in(written)} <= made:
            raise Unrecordable(f"{call.operator._schema.name} writes into a tensor that stays")
        if not call.is_view or made & {id(one) for one in tensors_in(call.given)}:
            made |= {id(one) for one in tensors_in(call.results)}
