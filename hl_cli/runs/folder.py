"""The folder of a run is empty when it begins, but for what Hydra itself puts there before it calls the run."""

from __future__ import annotations

import shutil
from collections.abc import Collection
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from hl_cli.errors import BadInput
from hl_cli.runs.resume import CONFIG

PARTIAL = f"{CONFIG}.tmp"
"""The config of a run while it is being written; a run that dies then has not begun."""


def check_vacant(folder: Path, ignored: Collection[str] = ()) -> None:
    """Raise BadInput for a folder in which there is anything but what is ignored."""
    if folder.is_dir() and any(inside.name not in (PARTIAL, *ignored) for inside in folder.iterdir()):
        raise BadInput(f"hydra.run.dir={folder}: holds files of another run; allowed: a new or an empty folder")


def of_hydra(hydra: Any, folder: Path) -> set[str]:
    """Names in the folder of a run that Hydra makes: its own copy of the config, and logs; none by default.

    hydra: its part of the config.
    """
    said: Any = OmegaConf.to_container(hydra.job_logging, resolve=True)
    logs = [handler.get("filename") for handler in (said.get("handlers") or {}).values()]
    paths = [folder / str(name) for name in (hydra.output_subdir, *logs) if name]
    return {path.relative_to(folder).parts[0] for path in paths if folder in path.parents}


def remove(folder: Path, names: Collection[str]) -> None:
    """Remove what Hydra made there for a run that never was."""
    for path in (folder / name for name in names):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
