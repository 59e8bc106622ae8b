"""A function of tensors as fused kernels and the Python code that calls them, as they are called and kept on disk."""

from __future__ import annotations

import builtins
import ctypes
import dis
import json
import math
import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils._python_dispatch import _disable_current_modes

DEFINED = re.compile(r'extern "C"\s+void\s+kernel\(')
STRANGE = "this version of PyTorch writes its kernels in another way"


class Kernel(NamedTuple):
    """One of them: as the code calls it; types of its arguments, pointers, in C++; its text."""

    name: str
    types: tuple[str, ...]
    text: str


class Lowered(NamedTuple):
    """A function; code: of call(args), which calls kernels by their names; library: the name of the built kernels."""

    kernels: list[Kernel]
    code: str
    library: str

    def source(self) -> str:
        """All kernels in C++."""
        return "\n".join(_source(k, one) for k, one in enumerate(self.kernels))

    def run(self, given: Sequence[Tensor], library: ctypes.CDLL) -> tuple[Tensor, ...]:
        """Call it; each kernel is a call of torch.ops.hl_run.fused."""
        space = dict(KNOWN)
        for k, one in enumerate(self.kernels):
            space[one.name] = _caller(one, _address(library, k))
        exec(self.code, space)
        found: tuple[Tensor, ...] = space["call"](list(given))
        return found

    def strange(self) -> set[str]:
        """The names that its code asks for and nobody knows."""
        space: dict[str, Any] = {}
        exec(self.code, space)
        asked = {one.argval for one in dis.get_instructions(space["call"]) if one.opname == "LOAD_GLOBAL"}
        return asked - set(KNOWN) - {one.name for one in self.kernels} - set(dir(builtins))

    def text(self) -> str:
        """As JSON."""
        return json.dumps(self)

    @classmethod
    def of(cls, text: str) -> Lowered:
        """Of JSON."""
        kernels, code, library = json.loads(text)
        return cls([Kernel(name, tuple(types), of) for name, types, of in kernels], code, library)


class _Extern:
    """Products that a library computes; what is rare is asked of Inductor."""

    mm, addmm, bmm, baddbmm = torch.mm, torch.addmm, torch.bmm, torch.baddbmm

    def __getattr__(self, name: str) -> Any:
        from torch._inductor.select_algorithm import extern_kernels

        return getattr(extern_kernels, name)


def _room(shape: Sequence[int], stride: Sequence[int], dtype: torch.dtype) -> Tensor:
    """A tensor for a result, which no call makes: it stays."""
    with _disable_current_modes():
        return torch.empty_strided(shape, stride, dtype=dtype).zero_()


def _seen(one: Tensor, shape: Sequence[int], stride: Sequence[int], offset: int) -> Tensor:
    """The same memory in another shape."""
    return one.as_strided(shape, stride, one.storage_offset() + offset)


KNOWN: dict[str, Any] = {
    "torch": torch, "aten": torch.ops.aten, "device": torch.device, "inf": math.inf, "nan": math.nan,
    "empty_strided_cpu": _room, "reinterpret_tensor": _seen, "extern_kernels": _Extern(),
    "assert_size_stride": lambda *_: None, "assert_alignment": lambda *_: None,
}  # fmt: skip
"""What the Python code of Inductor may ask for."""


def _source(k: int, kernel: Kernel) -> str:
    """The k-th kernel, and a function that takes its pointers in one list: what it reads, then what it writes."""
    text, count = DEFINED.subn(f"static void kernel_{k}(", kernel.text)
    if count != 1 or any(not one.endswith("*") for one in kernel.types):
        raise RuntimeError(STRANGE)
    places = {of: place for place, of in enumerate(_order(kernel.types))}
    given = ", ".join(f"({one})p[{places[of]}]" for of, one in enumerate(kernel.types))
    return f'{text}\nextern "C" void call_{k}(void** p) {{ kernel_{k}({given}); }}\n'


def _order(types: Sequence[str]) -> list[int]:
    """Arguments that are read, then those that are written."""
    return sorted(range(len(types)), key=lambda k: not types[k].startswith("const "))


def _caller(kernel: Kernel, address: int) -> Callable[..., None]:
    """What the Python code calls."""
    order = _order(kernel.types)
    reads = sum(one.startswith("const ") for one in kernel.types)

    def call(*given: Tensor) -> None:
        laid = [given[k] for k in order]
        torch.ops.hl_run.fused(address, laid[:reads], laid[reads:])

    return call


def _address(library: ctypes.CDLL, k: int) -> int:
    address = ctypes.cast(getattr(library, f"call_{k}"), ctypes.c_void_p).value
    assert address is not None
    return address
