"""The jobs of a sweep composed quickly: files are read once for each choice of options, then values are set in a copy.

Hydra composes every job twice from its files, once to see that all can be composed and once to run it; that takes
longer than a small job. Jobs that choose the same options of groups differ in values alone.
"""

from __future__ import annotations

import copy
from typing import Any

from hydra._internal import hydra
from hydra._internal.config_loader_impl import ConfigLoaderImpl, get_overrides_dirname
from hydra._internal.config_repository import CachingConfigRepository
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from hl_cli.config.unresolved import as_written

KEPT = 32  # choices of options, the latest; a composed config takes about a megabyte


class JobComposer(ConfigLoaderImpl):
    """Gives each job the config that Hydra's own loader would give it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._groups: CachingConfigRepository | None = None
        self._chosen: dict[tuple[str, ...], DictConfig] = {}

    def __getstate__(self) -> dict[str, Any]:
        """For a worker, which composes for itself."""
        return {**vars(self), "_groups": None, "_chosen": {}}

    def load_sweep_config(self, master_config: DictConfig, sweep_overrides: list[str]) -> DictConfig:
        """The config of one job. master_config: of the sweep; sweep_overrides: of the job, as they were written."""
        said = OverridesParser.create().parse_overrides(sweep_overrides)
        if any(one.is_hydra_override() for one in said):
            return super().load_sweep_config(master_config, sweep_overrides)
        self.validate_sweep_overrides_legal(said, RunMode.RUN, from_shell=True)
        if self._groups is None:  # with those of hydra.searchpath, which is the same for all jobs
            own = as_written(master_config.hydra.overrides.hydra)
            _, self._groups = self._parse_overrides_and_create_caching_repo(master_config.hydra.job.config_name, own)
        values = [one for one in said if self._is_value(one, self._groups)]
        job = self._with_options(master_config, [str(one.input_line) for one in said if one not in values])
        self._apply_overrides_to_config(values, job)
        job.hydra.overrides.task = [one.input_line for one in said]
        job.hydra.job.override_dirname = get_overrides_dirname(said, **job.hydra.job.config.override_dirname)
        OmegaConf.copy_cache(from_config=master_config, to_config=job)
        return job

    def _with_options(self, master_config: DictConfig, options: list[str]) -> DictConfig:
        key = tuple(options)
        found = self._chosen.pop(key, None) or super().load_sweep_config(master_config, options)
        self._chosen[key] = found
        if len(self._chosen) > KEPT:
            del self._chosen[next(iter(self._chosen))]
        return copy.deepcopy(found)

    @staticmethod
    def _is_value(override: Override, groups: CachingConfigRepository) -> bool:
        """Whether it sets a value once the options are chosen, as Hydra tells the two apart."""
        return isinstance(override.value(), dict) or not groups.group_exists(override.key_or_group)


def register() -> None:
    """Let Hydra make its loader of this class."""
    hydra.ConfigLoaderImpl = JobComposer  # type: ignore[misc]
