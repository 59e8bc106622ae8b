"""What a module holds outside its state_dict(): a counter, a hidden state, a generator kept as an attribute.

A run that goes on from a checkpoint needs it. What has changed since the net was built is saved where it is plain (a
number, a text, a tensor, a torch.Generator, lists, tuples and dicts of these); any other value that has changed is
found out. State in globals, closures and classes is not seen.
"""

from __future__ import annotations

import hashlib
import io
import pickle
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

GENERATOR = "state of a torch.Generator"
_OF_TORCH = frozenset(vars(nn.Module())) - {"training"}
_PLAIN = (type(None), bool, int, float, complex, str, bytes, torch.Size, torch.dtype, torch.device)


class CannotSave(ValueError):
    """A value that a checkpoint cannot hold; the text names it."""


class Attributes:
    """The attributes of a module and of the modules in it, seen against what they were when this was made."""

    def __init__(self, module: nn.Module) -> None:
        self._module = module
        buffers = [pair for pair in module.named_buffers() if pair[0] in module.state_dict(keep_vars=True)]
        self._parts = dict([*module.named_modules(), *module.named_parameters(), *buffers])  # alive: no id comes again
        self._names = {id(part): name for name, part in self._parts.items()}
        self._before = {(name, key): self._print(value) for name, key, value in self._all()}

    def _all(self) -> Iterator[tuple[str, str, Any]]:
        for name, part in self._module.named_modules():
            for key, value in vars(part).items():
                if key not in _OF_TORCH:
                    yield name, key, value
            for key in part._non_persistent_buffers_set:
                yield name, key, getattr(part, key)

    def _print(self, value: Any) -> bytes:
        """The same for equal values; parts of the module count by name, and what cannot be pickled by its class."""
        memory = io.BytesIO()
        try:
            _Printer(memory, self._names).dump(value)
        except Exception:  # whatever the classes of a user raise
            return repr(type(value)).encode()
        return hashlib.sha256(memory.getvalue()).digest()

    def state_dict(self) -> list[list[Any]]:
        """[module, attribute, value] of all that has changed; raises CannotSave for what a checkpoint cannot hold."""
        now = {(name, key): value for name, key, value in self._all()}
        for place in self._before.keys() - now.keys():
            raise CannotSave(f"the net has lost its attribute {_dotted(*place)}")
        changed = [(place, value) for place, value in now.items() if self._before.get(place) != self._print(value)]
        return [[*place, self._plain(value, _dotted(*place))] for place, value in changed]

    def _plain(self, value: Any, where: str) -> Any:
        """The value as torch.load(weights_only=True) takes it."""
        if type(value) in _PLAIN:
            return value
        if type(value) in (list, tuple):
            return type(value)(self._plain(part, where) for part in value)
        if type(value) is dict and GENERATOR not in value:
            return {self._plain(key, where): self._plain(part, where) for key, part in value.items()}
        if isinstance(value, torch.Generator):
            return {GENERATOR: value.get_state()}
        if type(value) is Tensor:
            weights = {part.untyped_storage().data_ptr() for part in self._parts.values() if isinstance(part, Tensor)}
            if value.untyped_storage().data_ptr() not in weights:
                return value.detach()
            raise CannotSave(f"the net's attribute {where} is a view of its weights, and not in its state_dict()")
        raise CannotSave(f"the net changes its attribute {where}, a {type(value).__name__}, not in its state_dict()")

    def load_state_dict(self, state: list[list[Any]]) -> None:
        """Give back what had changed."""
        parts = dict(self._module.named_modules())
        for name, key, value in state:
            setattr(parts[name], key, _loaded(getattr(parts[name], key, None), value))


class _Printer(pickle.Pickler):
    """Pickles tensors by their bytes, generators by their state, and parts of the module by their names."""

    def __init__(self, file: io.BytesIO, names: dict[int, str]) -> None:
        super().__init__(file)
        self._names = names

    def persistent_id(self, value: Any) -> str | None:
        return self._names.get(id(value)) if isinstance(value, nn.Module | Tensor) else None

    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, torch.Generator):
            return bytes, (value.get_state().numpy().tobytes(),)
        if isinstance(value, Tensor):
            data = value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
            return bytes, (f"{value.dtype} {tuple(value.shape)} ".encode() + data,)
        return NotImplemented


def _loaded(current: Any, value: Any) -> Any:
    """A value as it was; a generator that is there takes the state over, for others may share it."""
    if isinstance(value, dict) and GENERATOR in value:
        generator = current if isinstance(current, torch.Generator) else torch.Generator()
        return generator.set_state(value[GENERATOR])
    if type(value) in (list, tuple):
        there = current if type(current) is type(value) and len(current) == len(value) else [None] * len(value)
        return type(value)(_loaded(a, b) for a, b in zip(there, value, strict=True))
    if isinstance(value, dict):
        there = current if isinstance(current, dict) else {}
        return {key: _loaded(there.get(key), part) for key, part in value.items()}
    return value


def _dotted(*names: str) -> str:
    return ".".join(filter(None, names))
