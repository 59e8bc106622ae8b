"""Random numbers by seed, replicate and purpose: none depends on what else is drawn."""

from __future__ import annotations

from zlib import crc32

import numpy as np
import torch


def generator_of(seed: int, replicate: int, what: str) -> torch.Generator:
    """The random numbers of one purpose."""
    (word,) = np.random.SeedSequence([seed, replicate, crc32(what.encode())]).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(word) % 2**63)
