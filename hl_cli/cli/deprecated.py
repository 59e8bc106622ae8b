"""Keys of before that stay valid: what to write in their place, in one line."""

from __future__ import annotations

import re
from collections.abc import Sequence

from hl_cli.config.renamed import left_out, renewed

OF_PYTORCH = re.compile(r"(\+{0,2}|~)pytorch\.(.+)", re.DOTALL)


def advice(arguments: Sequence[str]) -> str:
    """A line that names the old keys among the arguments and the new ones; nothing where there is none.

    >>> advice(["steps=3", "pytorch.lr=0.1", "+pytorch.options.eps=1e-6"])
    'pytorch.lr=0.1 +pytorch.options.eps=1e-6: write arms.pytorch.lr=0.1 +arms.pytorch.options.eps=1e-6'
    >>> advice(["memory=store", "stream.counts=every"])
    'memory=store stream.counts=every: write checkpointing=store stream.targets=all'
    >>> advice(["compile=false"])
    'compile=false: leave it out'
    """
    changed = [(said, new) for said in arguments if (new := _now(said)) != said]
    gone = [said for said in arguments if left_out(said)]
    write = f"{' '.join(said for said, _ in changed)}: write {' '.join(new for _, new in changed)}"
    return "; ".join([*([write] if changed else []), *([f"{' '.join(gone)}: leave it out"] if gone else [])])


def _now(argument: str) -> str:
    found = OF_PYTORCH.fullmatch(argument)
    return f"{found[1]}arms.pytorch.{found[2]}" if found else renewed(argument)
