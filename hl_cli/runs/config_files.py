"""The config of a run in its folder, as Hydra would write it, and what a run that goes on takes from there."""

from __future__ import annotations

import shutil
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from hl_cli.config.intervals import OPEN
from hl_cli.reporting.readback import yaml_of
from hl_cli.runs.folder import PARTIAL
from hl_cli.runs.resume import CONFIG


def write_config(cfg: DictConfig, folder: Path, hydra: DictConfig | None) -> None:
    """Write .hydra as Hydra would; it does so itself before a bad config could be refused, so that is turned off.

    It is whole or not there. A run that goes on may have other steps: overrides first, from which it is composed.
    Where a user turned Hydra's on (hydra.output_subdir=.hydra), the files are replaced one by one.
    """
    goes_on = (folder / CONFIG).is_dir()
    partial = folder / PARTIAL
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    if hydra is not None:
        OmegaConf.save(hydra.overrides.task, partial / "overrides.yaml")
        OmegaConf.save(OmegaConf.create({"hydra": hydra}), partial / "hydra.yaml")
    OmegaConf.save(cfg, partial / "config.yaml")
    if not goes_on:
        partial.rename(folder / CONFIG)
        return
    for name in ("overrides.yaml", "config.yaml"):  # hydra.yaml stays: it tells how the run was begun
        if (partial / name).exists():
            (partial / name).replace(folder / CONFIG / name)
    shutil.rmtree(partial)


def keep_intervals(cfg: DictConfig, folder: Path) -> None:
    """Give log_every and eval_every, where they are open, the numbers that the run in the folder was begun with.

    Of more steps than it was begun with they would be others.
    """
    begun = yaml_of(folder / CONFIG / "config.yaml", dict)
    cfg.update({name: begun[name] for name in OPEN if cfg[name] is None and type(begun.get(name)) is int})
