r"""What a few repetitions say: mean, spread, and a 95 % interval of the mean.

    interval   mean +- t(.975, n - 1) s / sqrt(n)      for n below BOOTSTRAP_FROM, where resampling knows too little
               bias-corrected bootstrap (BCa)          from there on
               none                                    for n = 1

Source: Efron, Better Bootstrap Confidence Intervals, JASA 82 (1987).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

BOOTSTRAP_FROM = 10  # repetitions
RESAMPLES = 4000
LEVEL = 0.95


@dataclass(frozen=True)
class Spread:
    """n repetitions, of which `missing` have no number (a run that diverged).

    Where any is missing there is no mean: it would leave the worst runs out. Median and quartiles then count a missing
    one as the worst. interval: "t", "bootstrap", or nothing where there is none.
    """

    n: int
    missing: int = 0
    mean: float | None = None
    sd: float | None = None
    low: float | None = None
    high: float | None = None
    interval: str = ""
    median: float | None = None
    q25: float | None = None
    q75: float | None = None


def spread(values: Sequence[float | None], larger_is_better: bool = False) -> Spread:
    """Describe some repetitions; None is one without a number.

    >>> found = spread([1.0, 2.0, 3.0])
    >>> found.mean, found.interval, round(found.low, 3), round(found.high, 3)
    (2.0, 't', -0.484, 4.484)
    >>> spread([1.0, None, 3.0]).mean is None, spread([1.0, None, 3.0]).median
    (True, 3.0)
    """
    known = [float(value) for value in values if value is not None and math.isfinite(value)]
    n, missing = len(values), len(values) - len(known)
    if not known:
        return Spread(n, missing)
    worst = -math.inf if larger_is_better else math.inf
    q25, middle, q75 = _quartiles([*known, *[worst] * missing])
    if missing:
        return Spread(n, missing, median=middle, q25=q25, q75=q75)
    data = np.array(known)
    mean, sd = float(data.mean()), float(data.std(ddof=1)) if n > 1 else None
    low, high, kind = _interval(data)
    return Spread(n, 0, mean, sd, low, high, kind, middle, q25, q75)


def _quartiles(values: Sequence[float]) -> list[float | None]:
    """By the nearest rank where a value is infinite, so that nothing is interpolated with it."""
    finite, at = all(math.isfinite(value) for value in values), (0.25, 0.5, 0.75)
    data = np.array(values)
    found = np.quantile(data, at) if finite else np.quantile(data, at, method="inverted_cdf")
    return [float(value) if math.isfinite(value) else None for value in found]


def _interval(data: np.ndarray) -> tuple[float | None, float | None, str]:
    from scipy import stats  # takes half a second to import, which a sweep of single runs need not wait for

    n, mean = len(data), float(data.mean())
    if n < 2:
        return None, None, ""
    if np.ptp(data) == 0:
        return mean, mean, "t"
    if n < BOOTSTRAP_FROM:
        half = float(stats.t.ppf(0.5 + LEVEL / 2, n - 1) * data.std(ddof=1) / math.sqrt(n))
        return mean - half, mean + half, "t"
    dice = np.random.default_rng(0)
    found = stats.bootstrap((data,), np.mean, n_resamples=RESAMPLES, confidence_level=LEVEL, random_state=dice)
    return float(found.confidence_interval.low), float(found.confidence_interval.high), "bootstrap"
