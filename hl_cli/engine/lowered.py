"""A function of tensors as fused kernels: Inductor writes them, the C++ compiler of this machine compiles them.

Of Inductor nothing is taken but the text of its kernels and the order in which its Python code calls them. That code is
private to PyTorch, so whoever uses the kernels compares them with what they stand for.
"""

from __future__ import annotations

import ctypes
import hashlib
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import torch
from torch import Tensor

from hl_cli.engine.rewritten import DECOMPOSED, joined
from hl_cli.machine.cache import find, private
from hl_cli.machine.compiler import compiler

ASKED = ("engine=compiled", "engine=replay")
LIBRARY = "kernels.so"
SETTINGS = {"cpp.threads": 1, "cpu_backend": "cpp", "cpp_wrapper": False, "max_pointwise_cat_inputs": 0}
DEFINED = re.compile(r'extern "C"\s+void\s+kernel\(')


class Kernel(NamedTuple):
    """One of them; types: of its arguments, pointers, in C++."""

    types: tuple[str, ...]
    text: str


class Lowered(NamedTuple):
    """A function as its kernels and the Python code that calls them."""

    kernels: list[Kernel]
    code: str

    def run(self, given: Sequence[Tensor], library: ctypes.CDLL) -> tuple[Tensor, ...]:
        """Call it; each kernel is a call of torch.ops.hl_run.fused."""
        with _kernels(lambda k, _: _caller(self.kernels[k], _address(library, k))):
            space = _loaded(self.code)
        space["empty_strided_cpu"] = _room
        space["reinterpret_tensor"] = lambda one, shape, stride, offset: one.as_strided(
            shape, stride, one.storage_offset() + offset
        )
        space["assert_size_stride"] = lambda *_: None
        found: tuple[Tensor, ...] = space["call"](list(given))
        return found


def lowered(function: Callable[..., tuple[Tensor, ...]], given: Sequence[Tensor]) -> Lowered:
    """Let Inductor write the kernels of function(*given), for tensors that lie as these do."""
    from torch._inductor import config
    from torch._inductor.debug import DebugContext
    from torch._inductor.decomposition import select_decomp_table
    from torch._inductor.graph import GraphLowering
    from torch._inductor.virtualized import V
    from torch._subclasses.fake_tensor import FakeTensorMode
    from torch.fx.experimental.proxy_tensor import make_fx

    table: dict[Any, Any] = {**select_decomp_table(), **DECOMPOSED}
    plain = torch.func.functionalize(function, remove="mutations")
    mode = FakeTensorMode()
    with ExitStack() as stack:
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")  # of torch about itself
        stack.enter_context(patch.dict("os.environ", TORCHINDUCTOR_CACHE_DIR=str(private(ASKED) / "inductor")))
        graph = make_fx(plain, decomposition_table=table, tracing_mode="fake")(*given)
        joined(graph.graph)
        graph.recompile()
        fakes = [mode.from_tensor(one) for one in given]
        for entered in (config.patch(SETTINGS), V.set_debug_handler(DebugContext()), V.set_fake_mode(mode)):
            stack.enter_context(entered)
        lowering = GraphLowering(graph, example_inputs=fakes, is_inference=True)
        with V.set_graph_handler(lowering), V.set_extern_kernel_nodes([]):
            lowering.run(*fakes)
            code = lowering.codegen()[0].value
    kernels: list[Kernel] = []
    with _kernels(lambda _, kernel: kernels.append(kernel)):
        _loaded(code)
    return Lowered(kernels, code)


def built(of: Lowered) -> ctypes.CDLL:
    """Its kernels, compiled or out of the cache; raises RuntimeError where the compiler cannot."""
    compiler(ASKED)
    text = "\n".join(_source(k, one) for k, one in enumerate(of.kernels))
    options = _options()
    made_for = (text, torch.__version__, options.get_compiler(), options.get_cflags(), options.get_definitions())
    key = "kernels-" + hashlib.sha256(repr(made_for).encode()).hexdigest()[:32]
    return ctypes.CDLL(str(find(key, lambda file: _build(text, file), LIBRARY, ASKED)))


def _source(k: int, kernel: Kernel) -> str:
    """The k-th kernel, and a function that takes its pointers in one list: what it reads, then what it writes."""
    text, count = DEFINED.subn(f"static void kernel_{k}(", kernel.text)
    if count != 1 or any(not one.endswith("*") for one in kernel.types):
        raise RuntimeError("this version of PyTorch writes its kernels in another way")
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


def _loaded(code: str) -> dict[str, Any]:
    """The names that the Python code of Inductor defines."""
    space: dict[str, Any] = {"__name__": "lowered"}
    exec(code, space)
    return space


@contextmanager
def _kernels(made: Callable[[int, Kernel], Any]) -> Iterator[None]:
    """Give code that is loaded within, for its k-th kernel, what is made of it."""
    from torch._inductor.async_compile import AsyncCompile

    count = 0

    def binding(self: Any, types: list[str], text: str) -> Any:
        nonlocal count
        count += 1
        return made(count - 1, Kernel(tuple(types), text))

    with patch.object(AsyncCompile, "cpp_pybinding", binding), patch.object(AsyncCompile, "wait", lambda *_: None):
        yield


def _room(shape: Sequence[int], stride: Sequence[int], dtype: torch.dtype) -> Tensor:
    """A tensor for a result, which no call makes: it stays."""
    from torch.utils._python_dispatch import _disable_current_modes

    with _disable_current_modes():
        return torch.empty_strided(shape, stride, dtype=dtype).zero_()


def _options() -> Any:
    """How the compiler is called."""
    from torch._inductor import config
    from torch._inductor.cpp_builder import CppTorchOptions
    from torch._inductor.cpu_vec_isa import pick_vec_isa

    folder = str(private(ASKED) / "inductor")
    with config.patch(SETTINGS), patch.dict("os.environ", TORCHINDUCTOR_CACHE_DIR=folder):
        return CppTorchOptions(vec_isa=pick_vec_isa(), warning_all=False)


def _build(text: str, file: Path) -> None:
    from torch._inductor.cpp_builder import CppBuilder

    source = file.with_suffix(".cpp")
    source.write_text(text)
    builder = CppBuilder(name=file.stem, sources=[str(source)], BuildOption=_options(), output_dir=str(file.parent))
    builder.build()
    source.unlink()
