"""Whether a run can end with a free run."""

from __future__ import annotations

from collections.abc import Sequence

from hl_cli.config import Run
from hl_cli.config.models import with_a_state
from hl_cli.errors import NoSuchCombination
from hl_cli.learners.base import Learner
from hl_cli.learners.controls import FrozenLearner
from hl_cli.streams.base import Stream


def check_free_run(cfg: Run, stream: Stream, outputs: int, learners: Sequence[Learner]) -> None:
    """Raise BadInput where a learner that learns could not generate by itself."""
    if not cfg.free_run:
        return
    ended = [of.name for of in learners if not (hasattr(of, "alone") or isinstance(of, FrozenLearner))]
    if ended:
        raise NoSuchCombination(
            f"free_run={cfg.free_run}: the state of {', '.join(ended)} ends with each sample; allowed: arms of HL with "
            f"scheme=forward; arms of PyTorch with arms.NAME.window=8 or arms.NAME.credit=rtrl and {with_a_state()}"
        )
    if stream.task.kind != "values" or stream.ticks != 1 or cfg.batch_size != 1:
        raise NoSuchCombination(f"free_run={cfg.free_run}: allowed: a stream of values, stream.ticks=1, batch_size=1")
    if cfg.feed == "closed_loop" and stream.features != outputs:
        raise NoSuchCombination(
            f"feed=closed_loop: {outputs} outputs cannot be {stream.features} inputs; allowed: "
            "feed=zero_input, feed=teacher_forced"
        )
