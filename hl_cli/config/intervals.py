"""How often a run is measured and evaluated where its config does not say: it depends on how long the run is."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count, takewhile
from typing import Any

from omegaconf import DictConfig

OPEN = ("log_every", "eval_every")
LOG_EVERY, EVAL_EVERY = 50, 500  # steps, up to 50,000 of them
MEASURED, EVALUATED = 1000, 100  # times, in a longer run
LONGEST = 10**7  # steps; a run of more is often meant to be stopped, and is looked at as often as one of so many


def intervals(cfg: DictConfig, steps: int) -> dict[str, int]:
    """log_every and eval_every of a run of so many steps, those that are null in its config.

    The run is measured at most about 1,000 times and evaluated about 100 times: 50 and 500 steps, more beyond 50,000
    steps. An interval is 1, 2 or 5 times a power of ten, and log_every divides `every` of each observer where it can.
    """
    steps = min(steps, LONGEST)
    found = _log_every(steps, _looks(cfg)), _rounded(EVAL_EVERY, steps / EVALUATED)
    return {name: value for name, value in zip(OPEN, found, strict=True) if name in cfg and cfg[name] is None}


def _log_every(steps: int, looks: list[int]) -> int:
    most = _rounded(LOG_EVERY, steps / MEASURED)
    fit = (one for one in takewhile(lambda one: one <= most, _from(LOG_EVERY)) if not any(k % one for k in looks))
    return max(fit, default=LOG_EVERY)


def _looks(cfg: DictConfig) -> list[int]:
    """Steps between two looks of the observers that look at measured steps."""
    found: list[Any] = [one.get("every") for one in (cfg.get("observe") or {}).values()]
    return [every for every in found if isinstance(every, int)]


def _rounded(least: int, wanted: float) -> int:
    return next(one for one in _from(least) if one >= wanted)


def _from(least: int) -> Iterator[int]:
    """1, 2, 5, 10, 20, 50 and so on, from `least` on."""
    return (one for k in count() for one in (10**k, 2 * 10**k, 5 * 10**k) if one >= least)
