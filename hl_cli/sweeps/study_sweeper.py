"""Hydra's plain sweeper in two batches: the tuning jobs of every arm, then the chosen values on fresh seeds."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.types import Override
from hydra.core.plugins import Plugins

from hl_cli.studies.plan import StudyPlan
from hl_cli.sweeps.manifest import ManifestFile
from hl_cli.sweeps.plan import study_plan

PACKAGE, HOME = "hydra_plugins", "hydra_plugins.hl_run"


class Batches:
    """What the sweeper of a study does in its own way; the rest is Hydra's. Every combination swept over is a study."""

    config: Any
    batch_index: int
    _plan: StudyPlan
    _bases: list[list[str]]

    def split_arguments(self, overrides: list[Override], max_batch_size: int | None) -> list[list[list[str]]]:
        """The combinations without tuning and seeds; jobs are made of them batch by batch.

        What a command says of a key comes after what an experiment says of it (hydra.sweeper.params), and is in force.
        """
        latest = {override.get_key_element(): override for override in overrides}
        (self._bases,) = BasicSweeper.split_arguments([*latest.values()], None)
        self._plan = study_plan(self.config)
        return []

    def is_done(self) -> bool:
        """After both batches."""
        return self.batch_index >= 2

    def get_job_batch(self) -> Sequence[Sequence[str]]:
        """First the tuning jobs, then those that judge."""
        self.batch_index += 1
        if self.batch_index == 1 and self._plan.tried:
            return [[*base, *job] for base in self._bases for job in self._plan.tuning()]
        self.batch_index = 2
        folder = Path(self.config.hydra.sweep.dir).absolute()
        rows = ManifestFile(folder).read().rows() if self._plan.tried else []
        return [[*base, *job] for base in self._bases for job in self._plan.judging(rows, base)]


def register() -> None:
    """Let Hydra find the sweeper by its name in configs/hydra/sweeper/.

    Hydra takes plugins of the package `hydra_plugins` alone, which is there only where another plugin is installed; and
    it loads its own plugins anew, so that the plain sweeper is the one that it knows by now.
    """
    known = Plugins.instance()
    name = f"{BasicSweeper.__module__}.{BasicSweeper.__name__}"
    sweeper = type("StudySweeper", (Batches, known.class_name_to_class[name]), {"__module__": HOME})
    try:
        package = importlib.import_module(PACKAGE)
    except ImportError:
        package = sys.modules[PACKAGE] = ModuleType(PACKAGE)
        package.__path__ = []
    here = sys.modules[HOME] = ModuleType(HOME)
    here.StudySweeper = sweeper  # type: ignore[attr-defined]
    package.hl_run = here  # type: ignore[attr-defined]
    known.register(sweeper)
