"""Hamiltonian Learning and the PyTorch optimizer, side by side, on the same stream.

Everything a user needs without the command line; each name is imported when it is first used, so that
`import hl_cli` and `hl-run --help` do not wait for torch.
"""

from __future__ import annotations

import importlib
import warnings
from pathlib import Path
from typing import Any

__version__ = "0.1.0"

_HOME = {
    "Coefficients": "hl_cli.dynamics.equivalence",
    "SGD": "hl_cli.dynamics.equivalence",
    "physics_of": "hl_cli.dynamics.equivalence",
    "sgd_of": "hl_cli.dynamics.equivalence",
    "semi_implicit_euler": "hl_cli.dynamics.rules",
    "explicit_euler": "hl_cli.dynamics.rules",
    "Block": "hl_cli.networks.blocks",
    "ModuleBlock": "hl_cli.networks.blocks",
    "Split": "hl_cli.networks.splits",
    "split_of": "hl_cli.networks.splits",
    "one_by_one": "hl_cli.networks.splits",
    "Stream": "hl_cli.streams.base",
    "IterableStream": "hl_cli.streams.iterable",
    "TabularStream": "hl_cli.streams.tabular",
    "Measure": "hl_cli.compare.metrics",
    "HL": "hl_cli.optimizer.hl",
    "HamiltonianLearner": "hl_cli.learners.hamiltonian",
    "Blockwise": "hl_cli.learners.passing",
    "Wave": "hl_cli.learners.passing",
    "Local": "hl_cli.learners.local",
    "PyTorchLearner": "hl_cli.learners.pytorch",
    "Differences": "hl_cli.compare.differences",
    "side_by_side": "hl_cli.compare.side_by_side",
    "Sample": "hl_cli.types",
    "Samples": "hl_cli.streams.samples",
    "load": "hl_cli.runs.loaded",
    "Task": "hl_cli.types",
}
__all__ = sorted(_HOME)
_RENAMED = {"Blocks": "Blockwise"}

_checkout = Path(__file__).resolve().parent.parent
if not (Path(__file__).parent / "configs").exists() and (_checkout / "configs" / "run.yaml").exists():
    __path__.append(str(_checkout))  # a checkout that is not installed: hl_cli.configs is ../configs


def __getattr__(name: str) -> Any:
    if name in _RENAMED:
        new = _RENAMED[name]
        warnings.warn(f"hl_cli.{name} is now hl_cli.{new}", DeprecationWarning, stacklevel=2)
        return __getattr__(new)
    if name not in _HOME:
        raise AttributeError(f"module 'hl_cli' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return __all__
