"""summary.json: the verdict and the numbers of a run, for other tools."""

from __future__ import annotations

import math
import platform
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from hl_cli import __version__
from hl_cli.compare.pairs import Pairs
from hl_cli.compare.running_metrics import RunningMetrics
from hl_cli.compare.verdict import Verdict
from hl_cli.reporting.sealed import sealed
from hl_cli.reporting.whole import whole


def summary(
    tally: RunningMetrics,
    verdicts: dict[str, Verdict],
    primary: str,
    pairs: Pairs,
    learners: dict[str, Any],
    about: dict[str, Any],
) -> dict[str, Any]:
    """Gather everything. What stands at the top is of the primary arm; each arm has an object of its own.

    verdicts: by arm, all but the reference; learners: the numbers of each; about: seed, threads, dtype, command, ...
    not_written: the parts of the end of the run that failed, each with the reason.
    """
    arms = {
        name: {**_judged(name, verdicts, pairs, tally), **of, **about["arm_notes"][name]}
        for name, of in learners.items()
    }
    return {
        **_judged(primary, verdicts, pairs, tally),
        "steps": tally.steps,
        "arms": list(arms),
        "labels": about["labels"],
        "reference": pairs.reference,
        "primary": primary,
        **arms,
        "window": tally.window,
        "metrics": list(tally.measure.shown),
        "main": tally.measure.main,
        "diverged": [asdict(d) for d in tally.diverged],
        **{key: value for key, value in about.items() if key != "arm_notes"},
        "not_written": {},
        "versions": versions(),
    }


def versions() -> dict[str, str]:
    """Of what a run was made with."""
    return {
        "hl-run": __version__,
        "python": platform.python_version(),
        **{name: version(name) for name in ("torch", "hydra-core", "omegaconf", "numpy", "scikit-learn")},
    }


def _judged(name: str, verdicts: dict[str, Verdict], pairs: Pairs, tally: RunningMetrics) -> dict[str, Any]:
    """What an arm is to the reference; nothing for the reference itself."""
    if name not in verdicts:
        return {}
    differences = pairs.of.get(name)
    return {
        "verdict": verdicts[name].word,
        "reason": verdicts[name].reason,
        "first_difference_step": differences.first_step if differences else None,
        "compared_steps": differences.last_step if differences else 0,
        "max_abs_weight_difference": max(tally.apart.get(name, {}).values(), default=None),
    }


def _plain(value: Any) -> Any:
    """As JSON knows it: numbers of NumPy and torch as those of Python, one that is not finite as null."""
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if value is None or isinstance(value, bool | int | str):
        return value
    number = value.item() if hasattr(value, "item") else value
    if isinstance(number, float):
        return number if math.isfinite(number) else None
    return number if isinstance(number, bool | int) else str(value)


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write all or nothing."""
    with whole(path) as temporary:
        temporary.write_text(sealed(_plain(content), indent=2))
