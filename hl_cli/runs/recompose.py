"""The config of a run, composed again from what its folder says. Hydra's global state stays as it is."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.utils import create_config_search_path
from hydra.core.utils import setup_globals
from hydra.errors import HydraException
from hydra.types import RunMode
from hydra.version import VersionBase, setbase
from omegaconf import DictConfig, open_dict
from omegaconf.errors import OmegaConfBaseException

from hl_cli import config
from hl_cli.config.messages import format_error
from hl_cli.errors import BadInput
from hl_cli.runs.config_files import keep_intervals
from hl_cli.runs.resume import overrides_of, sources_of


def recompose(folder: Path) -> DictConfig:
    """The config that `hl-run resume=folder` would compose; raises BadInput where that cannot be done."""
    own_configs, searched = sources_of(folder)
    overrides = overrides_of(folder)
    config.register()
    setup_globals()  # resolvers such as ${now:}
    with _as_hl_run():
        search = create_config_search_path("pkg://hl_cli.configs")
        for path in own_configs:
            if not Path(path).is_dir():
                raise BadInput(f"{folder}: it was begun with --config-dir {path}, and there is no such folder")
            search.prepend("command-line", path)
        try:
            loader = ConfigLoaderImpl(search)
            cfg = loader.load_configuration("run", [*searched, *overrides], RunMode.RUN, from_shell=False)
        except (HydraException, OmegaConfBaseException) as error:
            raise BadInput(f"{folder}: its config cannot be composed again: {format_error(error)}") from error
    with open_dict(cfg):
        del cfg["hydra"]
    keep_intervals(cfg, folder)
    return cfg


@contextmanager
def _as_hl_run() -> Iterator[None]:
    """Let Hydra follow the rules of the version that hl-run asks for."""
    outer = VersionBase.instance()
    VersionBase.set_instance(copy.copy(outer))
    try:
        setbase("1.3")
        yield
    finally:
        VersionBase.set_instance(outer)
