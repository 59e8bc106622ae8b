"""The random numbers that everybody may draw from: torch's, NumPy's and Python's own. All follow from the seed.

The streams and nets that ship draw from generators of their own; those of a user need not.
"""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import torch


def seed_all(seed: int) -> None:
    """Begin anew."""
    torch.manual_seed(seed)
    np.random.seed(seed % 2**32)
    random.seed(seed)


def state_dict() -> dict[str, Any]:
    """Where all of them are, in plain values and tensors."""
    said: Any = np.random.get_state()
    kind, keys, *rest = said
    return {
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else [],
        "numpy": [kind, keys.tolist(), *rest],
        "python": random.getstate(),
    }


def load_state_dict(state: dict[str, Any]) -> None:
    """Go there."""
    torch.set_rng_state(state["torch"])
    if state["cuda"]:
        torch.cuda.set_rng_state_all(state["cuda"])
    kind, keys, *rest = state["numpy"]
    np.random.set_state((kind, np.array(keys, dtype=np.uint32), *rest))
    version, words, gauss = state["python"]
    random.setstate((version, tuple(words), gauss))
