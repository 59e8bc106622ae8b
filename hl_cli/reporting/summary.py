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
from hl_cli.compare.tally import LEARNERS, Tally
from hl_cli.compare.verdict import Verdict


def summary(
    tally: Tally, verdict: Verdict, differences: Differences, seconds: dict[str, float], about: dict[str, Any]
) -> dict[str, Any]:
    """Gather everything; about: coefficients, seed, threads, dtype, command and the like."""
    return {
        "verdict": verdict.word,
        "reason": verdict.reason,
        "first_difference_step": differences.first_step,
        "steps": tally.steps,
        "compared_steps": differences.last_step,
        "max_abs_weight_difference": max(tally.apart.values(), default=None),
        **{name: tally.of(name, seconds[name]) for name in LEARNERS},
        "window": tally.window,
        "metrics": list(tally.measure.shown),
        "main": tally.measure.main,
        "diverged": [asdict(d) for d in tally.diverged],
        **about,
        "versions": {
            "hl-run": __version__,
            "python": platform.python_version(),
            **{name: version(name) for name in ("torch", "hydra-core", "omegaconf", "numpy", "scikit-learn")},
        },
    }


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write all or nothing; a number that is not finite, which JSON does not know, is null."""
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(_plain(content), indent=2, allow_nan=False) + "\n")
    temporary.replace(path)
