"""A recorded program whose calls are fused kernels, or what is left of its calls: what engine=compiled runs."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from hl_cli.engine.kept import kept
from hl_cli.engine.kernels import Lowered
from hl_cli.engine.lowered import lowered
from hl_cli.engine.program import Program
from hl_cli.engine.recorder import Unrecordable, recorded
from hl_cli.engine.traced import Scratch, Traced, like, real
from hl_cli.engine.words import paced
from hl_cli.errors import BadInput

KNOWN: dict[Any, tuple[Lowered, ctypes.CDLL]] = {}
"""What this process has compiled, by what it depends on."""


def fused(
    program: Program,
    inputs: Sequence[Tensor],
    asked: int,
    pace: Sequence[float],
    theta: Tensor,
    scratch: Scratch | None = None,
) -> Program:
    """The same program in kernels; inputs, asked, pace, theta: as those of the program.

    It stops at a number that is not finite before anything has moved. Raises Unrecordable where it cannot be compiled.
    """
    pairs = [one.is_complex() for one in inputs]
    traced = Traced(program.text, pairs, len(pace), program.stays, scratch)
    given = [like(one) for one in inputs]
    rates = paced(pace, theta)[2 * len(pace) :] if pace else []
    rest = [*rates, *traced.memories]
    everything = [*map(real, given), *rest]
    shapes = [(one.shape, one.stride(), one.dtype) for one in everything]
    key = repr((traced.description, shapes))
    with torch.no_grad():
        if key not in KNOWN:
            KNOWN[key] = _compiled(traced, everything)
        with recorded() as calls:
            *left, read = KNOWN[key][0].run([*map(real, given), *rest], KNOWN[key][1])
            for k, pair in enumerate(pairs[asked:], 1):  # what is carried on lies as what was carried
                left[k] = torch.view_as_complex(left[k]) if pair else left[k]
            for number in read:
                number.item()
    return Program(calls, given, left, 0, pace, theta, True)


def _compiled(traced: Traced, given: Sequence[Tensor]) -> tuple[Lowered, ctypes.CDLL]:
    try:
        shapes = [(tuple(one.shape), one.stride(), str(one.dtype)) for one in given]
        return kept((traced.description, shapes), lambda: lowered(traced, [like(one) for one in given]))
    except (BadInput, Unrecordable):
        raise
    except Exception as error:  # whatever a compiler says
        raise Unrecordable(f"torch cannot compile it: {' '.join(str(error).split())[:200]}") from error
