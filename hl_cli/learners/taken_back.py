"""Learning periods that are taken back: the learner is then as before, but for what it has recorded of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from hl_cli.learners.hamiltonian import HamiltonianLearner


@contextmanager
def taken_back(learner: Any) -> Iterator[None]:
    """Let a ReplayedLearner take a period, also within a sample; then all is in its place again, to the bit."""
    phase, draws = learner.phase, torch.get_rng_state()
    state, drive = HamiltonianLearner.state_dict(learner), phase.drive
    noted, gathering = drive.noted(), drive.gathering
    try:
        yield
    finally:
        if phase.drive is not drive:
            phase.exchange()
        HamiltonianLearner.load_state_dict(learner, state)
        drive.note(*noted)
        drive.gathering = gathering
        torch.set_rng_state(draws)
