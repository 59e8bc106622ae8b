"""Whether a run can end with a free run."""

from __future__ import annotations

from collections.abc import Sequence

from omegaconf import DictConfig

from hl_cli.errors import NoSuchCombination
from hl_cli.learners.base import Learner
from hl_cli.learners.controls import FrozenLearner
from hl_cli.streams.base import Stream


def check_free_run(cfg: DictConfig, stream: Stream, outputs: int, learners: Sequence[Learner]) -> None:
    """Raise BadInput where a learner that learns could not generate by itself."""
    if not cfg.free_run:
        return
    if not all(hasattr(learner, "alone") or isinstance(learner, FrozenLearner) for learner in learners):
        raise NoSuchCombination(
            f"free_run={cfg.free_run}: neurons end with each sample; allowed: scheme=forward, with "
            "pytorch.window= or pytorch.credit=rtrl"
        )
    if stream.task.kind != "values" or stream.ticks != 1 or cfg.batch_size != 1:
        raise NoSuchCombination(f"free_run={cfg.free_run}: allowed: a stream of values, stream.ticks=1, batch_size=1")
    if cfg.feed == "own" and stream.features != outputs:
        raise NoSuchCombination(
            f"feed=own: {outputs} outputs cannot be {stream.features} inputs; allowed: feed=nothing, feed=given"
        )
