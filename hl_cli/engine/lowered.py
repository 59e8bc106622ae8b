"""A function of tensors as fused kernels: Inductor writes them, the C++ compiler of this machine compiles them.

Of Inductor nothing is taken but the text of its kernels and the order in which its Python code calls them. That code is
private to PyTorch, so whoever uses the kernels compares them with what they stand for.
"""

from __future__ import annotations

import ast
import hashlib
import warnings
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor

from hl_cli.engine.kernels import STRANGE, Kernel, Lowered
from hl_cli.engine.rewritten import DECOMPOSED, joined
from hl_cli.machine.cache import private

ASKED = ("engine=compiled", "engine=replay")
SETTINGS = {"cpp.threads": 1, "cpu_backend": "cpp", "cpp_wrapper": False, "max_pointwise_cat_inputs": 0}


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
    found = Lowered(_kernels(code), _call(code), "")
    if strange := found.strange():
        raise RuntimeError(f"{STRANGE}: {', '.join(sorted(strange))}")
    options = _options()
    made_for = (found.source(), torch.__version__, options.get_compiler(), options.get_cflags())
    name = hashlib.sha256(repr((made_for, options.get_definitions())).encode()).hexdigest()[:32]
    return found._replace(library=f"kernels-{name}")


def build(of: Lowered, file: Path) -> None:
    """Compile its kernels; raises RuntimeError where the compiler cannot."""
    from torch._inductor.cpp_builder import CppBuilder

    source = file.with_suffix(".cpp")
    source.write_text(of.source())
    builder = CppBuilder(name=file.stem, sources=[str(source)], BuildOption=_options(), output_dir=str(file.parent))
    builder.build()
    source.unlink()


def _kernels(code: str) -> list[Kernel]:
    """Those that the Python code of Inductor defines, in their order."""
    from torch._inductor.async_compile import AsyncCompile

    found: list[Kernel] = []

    def binding(_: Any, types: list[str], text: str) -> Kernel:
        found.append(Kernel("", tuple(types), text))
        return found[-1]

    space: dict[str, Any] = {"__name__": "lowered"}
    with patch.object(AsyncCompile, "cpp_pybinding", binding), patch.object(AsyncCompile, "wait", lambda *_: None):
        exec(code, space)
    return [kernel._replace(name=next(name for name in space if space[name] is kernel)) for kernel in found]


def _call(code: str) -> str:
    """Of all that code, the function that calls the kernels: all else would need Inductor."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.FunctionDef) and node.name == "call":
            node.args.args = node.args.args[-1:]  # without self
            return ast.unparse(node)
    raise RuntimeError(STRANGE)


def _options() -> Any:
    """How the compiler is called."""
    from torch._inductor import config
    from torch._inductor.cpp_builder import CppTorchOptions
    from torch._inductor.cpu_vec_isa import pick_vec_isa

    folder = str(private(ASKED) / "inductor")
    with config.patch(SETTINGS), patch.dict("os.environ", TORCHINDUCTOR_CACHE_DIR=folder):
        return CppTorchOptions(vec_isa=pick_vec_isa(), warning_all=False)
