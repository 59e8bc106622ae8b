"""Keys of before that stay valid: what to write in their place, in one line."""

from __future__ import annotations

import re
from collections.abc import Sequence

OF_PYTORCH = re.compile(r"(\+{0,2}|~)pytorch\.(.+)", re.DOTALL)


def advice(arguments: Sequence[str]) -> str:
    """A line that names the old keys among the arguments and the new ones; nothing where there is none.

    >>> advice(["steps=3", "pytorch.lr=0.1", "+pytorch.options.eps=1e-6"])
    'pytorch.lr=0.1 +pytorch.options.eps=1e-6: write arms.pytorch.lr=0.1 +arms.pytorch.options.eps=1e-6'
    """
    old = [(said, found) for said in arguments if (found := OF_PYTORCH.fullmatch(said))]
    if not old:
        return ""
    return f"{' '.join(said for said, _ in old)}: write {' '.join(f'{f[1]}arms.pytorch.{f[2]}' for _, f in old)}"
