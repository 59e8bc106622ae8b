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
    version, words, gauss = random.getstate()
    return {
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else [],
        "numpy": [kind, torch.from_numpy(keys.astype(np.int64)), *rest],
        "python": [version, torch.tensor(words), gauss],
    }


def load_state_dict(state: dict[str, Any]) -> None:
    """Go there."""
    torch.set_rng_state(state["torch"])
    if state["cuda"]:
        torch.cuda.set_rng_state_all(state["cuda"])
    kind, keys, *rest = state["numpy"]
    np.random.set_state((kind, torch.as_tensor(keys).numpy().astype(np.uint32), *rest))
    version, words, gauss = state["python"]
    random.setstate((version, tuple(torch.as_tensor(words).tolist()), gauss))  # a list in a checkpoint of before
