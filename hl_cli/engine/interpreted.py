"""A program that TorchScript's interpreter runs: where there is no driver."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from hl_cli.engine.guarded import guarded


class Interpreted:
    """types: of the inputs; written: its lines, up to a number and after it; numbers: names of each, and of a tensor
    whose elements are asked where it is not finite; left: names; moves: whether that is so of the last; new: a name
    that nobody has.
    """

    def __init__(
        self,
        types: Sequence[str],
        written: Sequence[Sequence[str]],
        numbers: Sequence[tuple[str, str]],
        left: Sequence[str],
        moves: bool,
        new: Callable[[], str],
    ) -> None:
        asked = [(number, "") for number, _ in numbers]
        if moves:  # the sum of omega may overflow alone; of another number the eager period is asked
            asked[-1:] = numbers[-1:]
        self._count = len(left)
        lines, names, read = guarded(written, asked, left, new)
        kinds = ["Tensor"] * len(names) + ["float"] * len(read)
        ends = [f"%out : ({', '.join(kinds)}) = prim::TupleConstruct({', '.join([*names, *read])})", "return (%out)"]
        text = "\n".join([f"graph({', '.join(types)}):", *(f"  {line}" for line in [*lines, *ends]), ""])
        self._run = torch._C._create_function_from_graph("step", torch._C.parse_ir(text))

    def __call__(
        self, inputs: Sequence[Tensor], pace: Sequence[Any], stays: Sequence[Any]
    ) -> tuple[list[Tensor], list[float]]:
        """What it leaves and the numbers."""
        with torch._C._AutoDispatchBelowAutograd(), torch.jit.optimized_execution(False):
            found = self._run(*inputs, *pace, *stays)
        return found[: self._count], found[self._count :]
