"""A function of tensors as one graph of machine code, kept on disk."""

from __future__ import annotations

import hashlib
import math
import platform
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from hl_cli.errors import BadInput
from hl_cli.machine.cache import COMPILE, cache, find
from hl_cli.machine.compiler import compiler

ELSE = f"allowed: {COMPILE[1]}"
Run = Callable[[list[Tensor]], list[Tensor]]
ROUNDINGS = 1e4  # epsilons, by the largest element: how far what is compiled may be from the eager function


class _Function(nn.Module):
    """What torch.export takes; the function is hidden from it, so that no weight behind it becomes a constant."""

    def __init__(self, function: Callable[..., tuple[Tensor, ...]]) -> None:
        super().__init__()
        self.hidden = (function,)

    def forward(self, *given: Tensor) -> tuple[Tensor, ...]:
        """Nothing but the function."""
        return self.hidden[0](*given)


def _outer(a: Tensor, b: Tensor) -> Tensor:
    """The product of a column and a row as a loop, which Inductor joins to what follows; any other stays a call."""
    return a * b if a.shape[1] == 1 else NotImplemented


def _row(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """A small linear map of a single row as a loop, for the same reason: the call would cost more than the sums."""
    if x.dim() != 2 or x.shape[0] != 1 or weight.numel() > SMALL:
        return NotImplemented
    y = (weight * x).sum(1)[None]
    return y if bias is None else y + bias


SMALL = 2**15
DECOMPOSED: dict[Any, Callable[..., Any]] = {torch.ops.aten.mm.default: _outer, torch.ops.aten.linear.default: _row}


def compiled(function: Callable[..., tuple[Tensor, ...]], given: Sequence[Tensor]) -> Run:
    """Compile function(*given) for tensors of these shapes, or load what was compiled before.

    The name of the file is the hash of the graph, torch's version and the processor's abilities. Raises BadInput with
    the reason where torch cannot do it.
    """
    compiler(COMPILE)
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")  # of torch about itself
            apart = tuple(t.clone() for t in given)  # slots of one buffer would be taken for one tensor
            graph = torch.export.export(_Function(function), apart, strict=False).run_decompositions(DECOMPOSED)
            key = _key(graph, given)
        file = find(key, lambda file: _write(graph, file))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _loaded(file)
    except BadInput:
        raise
    except OSError as error:
        raise BadInput(f"compile=true ({cache()}): {error.strerror or error}; {ELSE}") from error
    except Exception as error:
        line = " ".join(str(error).split())[:200]
        raise BadInput(f"compile=true: torch cannot compile this run: {line}; {ELSE}") from error


def gap_between(found: Sequence[Tensor], eager: Sequence[Tensor], asked: tuple[str, str] = COMPILE) -> float:
    """The largest difference, by the largest element of each; raises BadInput where it is more than round-off."""
    gaps = [float((a - b).abs().max()) / (float(b.abs().max()) or 1.0) for a, b in zip(found, eager, strict=True)]
    gap, most = max(gaps), ROUNDINGS * torch.finfo(eager[0].dtype).eps
    if math.isnan(sum(gaps)) or gap > most:
        raise BadInput(
            f"{asked[0]}: the compiled step is not the eager one: {gap:.1g} apart, by the largest element, "
            f"where {most:.1g} would be round-off; allowed: {asked[1]}"
        )
    return gap


def _key(graph: Any, given: Sequence[Tensor]) -> str:
    shapes = [(tuple(t.shape), t.stride(), str(t.dtype)) for t in given]
    place = (torch.__version__, platform.machine(), torch.backends.cpu.get_cpu_capability())
    constants = [(name, t.tolist()) for name, t in {**graph.constants, **graph.state_dict}.items()]
    return hashlib.sha256(repr((graph.graph_module.code, shapes, constants, place)).encode()).hexdigest()[:32]


def _write(graph: Any, file: Path) -> None:
    """Compile; what Inductor keeps on the way is native code too, and stays in this private folder, not in /tmp."""
    from torch._inductor import aoti_compile_and_package
    from torch._inductor.utils import fresh_cache

    with warnings.catch_warnings(), torch.no_grad(), fresh_cache(dir=str(file.parent)):
        warnings.simplefilter("ignore")
        aoti_compile_and_package(graph, package_path=str(file))


def _loaded(path: Path) -> Run:
    from torch._inductor import aoti_load_package

    return aoti_load_package(str(path), run_single_threaded=True).loader.boxed_run
