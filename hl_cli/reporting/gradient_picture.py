"""gradient.png: how far back the gradient of each net reaches, before and after training, and how that hangs on h.

Left, over the lag: the largest (solid) and the smallest (dashed) singular value of dh(T)/dh(T - lag); pale before
training, where there is a look after it. Right, where three nets or more of one kind have steps of different lengths
(`model.eps`): both at the longest lag over the step; shaded, up to where neither has left [1/SAFE, SAFE].
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, NullLocator

from hl_cli.reporting.canvas import canvas

DEEPEST = 1e-10  # where the axis ends; curves leave it
SAFE = 2.0
Reach = Sequence[tuple[int, float, float]]


@dataclass(frozen=True)
class Reached:
    """An arm. kind: of its cells; step: their eps, None where they have none; looks: by the step of the run."""

    label: str
    color: str
    kind: str
    step: float | None
    looks: Mapping[int, Reach]


def draw_gradient(path: Path, arms: Sequence[Reached]) -> None:
    """Write the picture."""
    families = [of for of in _by_kind(arms).values() if len({arm.step for arm in of}) > 2]
    count = 2 if families else 1
    with canvas(path, 1, count, figsize=(6.6 * count, 4.8), squeeze=False) as (figure, [axes]):
        _over_the_lag(axes[0], arms)
        if families:
            _over_the_step(axes[1], families)
        figure.legend(
            *axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False, fontsize=9
        )


def safe_up_to(family: Sequence[Reached]) -> float:
    """The longest step of nets, shortest steps first, up to which none has left [1/SAFE, SAFE]; 0 for none."""
    ends = ((arm.step or 0.0, *arm.looks[max(arm.looks)][-1]) for arm in family)
    return max((of[0] for of in takewhile(lambda of: of[2] <= SAFE and of[3] >= 1 / SAFE, ends)), default=0.0)


def _by_kind(arms: Sequence[Reached]) -> dict[str, list[Reached]]:
    """Those with a step, by the kind of their cells, shortest steps first."""
    found: dict[str, list[Reached]] = {}
    for arm in sorted((arm for arm in arms if arm.step is not None), key=lambda arm: arm.step or 0.0):
        found.setdefault(arm.kind, []).append(arm)
    return found


def _over_the_lag(axis: Axes, arms: Sequence[Reached]) -> None:
    axis.axhline(1.0, color="#8d99ae", lw=0.8, zorder=0)
    for arm in arms:
        last = max(arm.looks)
        for step in sorted({min(arm.looks), last}):
            lags, *ends = zip(*arm.looks[step], strict=True)
            alpha = 1.0 if step == last else 0.35
            for values, style in zip(ends, ("-", "--"), strict=True):
                seen = np.where(np.array(values) > 0, values, np.nan)
                label = arm.label if (style, step) == ("-", last) else None
                axis.loglog(lags, seen, style, color=arm.color, alpha=alpha, lw=1.6, label=label)
    drawn = [value for arm in arms for look in arm.looks.values() for _, *ends in look for value in ends]
    inside = [value for value in drawn if value > DEEPEST]
    if inside:
        axis.set_ylim(min(inside) / 2, 2 * max(inside))
    axis.set_xlabel("lag T - t, ticks")
    axis.set_ylabel("singular values of dh(T)/dh(t)")
    trained = any(len(arm.looks) > 1 for arm in arms)
    axis.set_title(f"largest solid, smallest dashed{'; pale: before training' if trained else ''}", fontsize=10)
    _decades(axis)


def _over_the_step(axis: Axes, families: Sequence[Sequence[Reached]]) -> None:
    """At the longest lag of the last look."""
    lag, safe = 0, 0.0
    axis.axhline(1.0, color="#8d99ae", lw=0.8, zorder=0)
    for family in families:
        ends = [arm.looks[max(arm.looks)][-1] for arm in family]
        steps, lag = [float(arm.step or 0.0) for arm in family], ends[-1][0]
        for k, style in ((1, "-"), (2, "--")):
            axis.loglog(steps, [end[k] for end in ends], style, color="#444444", lw=1.2, zorder=1)
            for arm, end in zip(family, ends, strict=True):
                axis.loglog([arm.step], [end[k]], "o", color=arm.color, ms=6, zorder=2)
        safe = max(safe, safe_up_to(family))
    lengths = sorted({float(arm.step or 0.0) for family in families for arm in family})
    low = lengths[0]
    axis.set_xlim(left=low * 0.8)
    axis.set_xticks(lengths, [f"{length:g}" for length in lengths])
    axis.xaxis.set_minor_locator(NullLocator())
    if safe:
        axis.axvspan(low * 0.8, safe, color="#009e73", alpha=0.15, lw=0, label=f"within a factor of {SAFE:g}")
        axis.legend(frameon=False, fontsize=9, loc="upper left")
    axis.set_xlabel("step h of the net (model.eps)")
    axis.set_title(f"the same at lag {lag:,}, over the step", fontsize=10)
    _decades(axis)


def _decades(axis: Axes) -> None:
    """Ticks at powers of ten alone, and few of them."""
    axis.yaxis.set_major_locator(LogLocator(numticks=9))
    axis.yaxis.set_minor_locator(NullLocator())
    axis.grid(alpha=0.25)
