"""summary.json: the verdict and the numbers of a run, for other tools."""

from __future__ import annotations

import json
import math
import platform
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from hl_cli import __version__
from hl_cli.compare.differences import Differences
from hl_cli.compare.tally import Tally
from hl_cli.compare.verdict import Verdict
from hl_cli.reporting.whole import whole


def summary(
    tally: Tally, verdict: Verdict, differences: Differences, learners: dict[str, Any], about: dict[str, Any]
) -> dict[str, Any]:
    """Gather everything; learners: the numbers of each; about: coefficients, seed, threads, dtype, command, ...

    not_written: the parts of the end of the run that failed, each with the reason.
    """
    return {
        "verdict": verdict.word,
        "reason": verdict.reason,
        "first_difference_step": differences.first_step,
        "steps": tally.steps,
        "compared_steps": differences.last_step,
        "max_abs_weight_difference": max(tally.apart.values(), default=None),
        **learners,
        "window": tally.window,
        "metrics": list(tally.measure.shown),
        "main": tally.measure.main,
        "diverged": [asdict(d) for d in tally.diverged],
        **about,
        "not_written": {},
        "versions": {
            "hl-run": __version__,
            "python": platform.python_version(),
            **{name: version(name) for name in ("torch", "hydra-core", "omegaconf", "numpy", "scikit-learn")},
        },
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
        temporary.write_text(json.dumps(_plain(content), indent=2, allow_nan=False) + "\n")
