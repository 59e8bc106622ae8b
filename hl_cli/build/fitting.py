"""Defaults and remarks that depend on a stream and on whether the state is carried across its samples."""

from __future__ import annotations

import copy
from collections.abc import Sequence

from omegaconf import DictConfig, OmegaConf, read_write

from hl_cli.build.schemes import scheme_of
from hl_cli.learners.base import Learner
from hl_cli.streams.base import Stream
from hl_cli.streams.drift import Drift, Permuted
from hl_cli.streams.held import Held
from hl_cli.streams.series import SeriesConfig

LAGS = 24


def fitted(cfg: DictConfig) -> DictConfig:
    """The config with stream.lags where it was left open: 1 where the state is carried across samples."""
    cfg = copy.deepcopy(cfg)
    lives_on = scheme_of(cfg).lives_on
    for stream in (cfg.stream, *cfg.stream.get("streams", {}).values()):
        if OmegaConf.get_type(stream) is SeriesConfig and stream.lags is None:
            with read_write(stream):
                stream.lags = 1 if lives_on else LAGS
    return cfg


def remark(stream: Stream, learners: Sequence[Learner]) -> str:
    """A word where the state is carried across samples that do not follow one another."""
    if not any(learner.lives_on for learner in learners):
        return ""
    if _shuffles(stream):
        return (
            "; the state is carried across samples, but this stream shuffles them: what it remembers is of no use; "
            "choose a stream in order, such as a series or a signal, or a scheme that rests between samples"
        )
    if stream.overlapping:
        return (
            f"; the state is carried across samples, but the windows overlap: the net sees each row {stream.ticks} "
            "times, and out of order; a sample of one row (stream.lags=1 of a series, else stream.ticks=1) fits them"
        )
    return ""


def _shuffles(stream: Stream) -> bool:
    """Whether any part of it does."""
    if isinstance(stream, Drift):
        return any(map(_shuffles, stream.tasks.values()))
    return _shuffles(stream.base) if isinstance(stream, Permuted | Held) else stream.shuffled
