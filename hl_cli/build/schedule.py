"""From a config and the length of its stream to when a run looks at what it does."""

from __future__ import annotations

from omegaconf import DictConfig

from hl_cli.compare.schedule import Schedule
from hl_cli.config.intervals import intervals
from hl_cli.errors import BadInput
from hl_cli.streams.base import Stream


def schedule_of(cfg: DictConfig, stream: Stream) -> tuple[Schedule, str]:
    """When to look, and a word where the stream ends before the steps do.

    Where the config leaves log_every and eval_every open, it then has their numbers.
    """
    steps, shorter = cfg.steps, ""
    if stream.length is not None and stream.length < steps:
        if not stream.length:
            raise BadInput(f"batch_size={cfg.batch_size}: the stream has not enough samples for one batch")
        steps = stream.length
        shorter = f"; the stream ends after {steps} of the {cfg.steps} steps"
    cfg.update(intervals(cfg, steps))
    return Schedule(steps, cfg.log_every, cfg.eval_every, stream.period, stream.blend), shorter
