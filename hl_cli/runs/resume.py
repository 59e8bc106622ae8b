"""hl-run resume=DIR: the arguments of the run that was left in DIR, in their place."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra.errors import HydraException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from hl_cli.config.messages import format_error
from hl_cli.config.renamed import renewed_all
from hl_cli.errors import BadInput
from hl_cli.reporting import readback
from hl_cli.reporting.readback import json_of, yaml_of
from hl_cli.reporting.sums import check_sums

CONFIG = readback.CONFIG
FREE = ("steps", "checkpoint_every", "keep_checkpoints", "report")
"""Fields that may be others than before: no step depends on them. More steps end later; fewer are refused."""
OF_TASK = ("checkpoint_every",)
"""The same of a task: its rates go down over all its steps, so that more of them are others from the first on."""
APART = ("sweep", "paths")
"""Fields that say nothing of a run itself: a job of a sweep is gone on with by another command than began it."""


@dataclass(frozen=True)
class Resumed:
    """A run to go on with.

    folder: of the run; named: a checkpoint in it, where one was named; done: why there is nothing to do; free: the
    fields that may be others than in its config: those that the command gives, so that a damaged config is seen.
    """

    folder: Path
    named: Path | None = None
    done: str = ""
    free: tuple[str, ...] = FREE


def take_up(arguments: list[str]) -> tuple[list[str], Resumed | None]:
    """Put the arguments of the run that was left in place of resume=; raises BadInput. Others pass as they are."""
    paths = [argument.partition("=")[2] for argument in arguments if argument.startswith("resume=")]
    if not paths:
        return arguments, None
    if len(paths) > 1 or not paths[0]:
        raise BadInput("resume=: allowed: the folder of one run, or one of its checkpoints")
    path = Path(paths[0]).absolute()
    folder, named = (path.parent.parent, path) if path.is_file() else (path, None)
    if not folder.is_dir():
        raise BadInput(f"resume={paths[0]}: no such folder; allowed: the folder of a run, or one of its checkpoints")
    check_begun(folder, f"resume={paths[0]}")
    own = [argument for argument in arguments if not argument.startswith("resume=")]
    config = folder / CONFIG / "config.yaml"
    known = yaml_of(config, dict)
    free = OF_TASK if known.get("task") else FREE
    changes = {argument.partition("=")[0]: argument for argument in own if argument.partition("=")[0] in free}
    for argument in own:
        if argument not in changes.values():
            allowed = ", ".join(f"{field}=" for field in free)
            raise BadInput(f"{argument}: the config of a run stays as it is; allowed beside resume=: {allowed}")
    if known.get("task"):
        done = f"{folder}: finished; nothing is left to do" if _finished(folder) else ""
    else:
        done = _done(folder, config, _resolved(known).get("steps"), changes.get("steps"))
    own_configs, searched = sources_of(folder)
    given = [word for path in own_configs for word in ("--config-dir", path)]
    replayed = _changed(overrides_of(folder), changes)
    return [*given, *searched, *replayed, f"hydra.run.dir={_quoted(folder)}"], Resumed(
        folder, named, done, tuple(changes)
    )


def _done(folder: Path, config: Path, steps: Any, wanted: str | None) -> str:
    """Why there is nothing to do, or ""; wanted: the argument of the command, where it asks for more steps."""
    if not isinstance(steps, int):
        raise BadInput(f"{config}: damaged: steps={steps}, and a run has a whole number of them")
    more = _more(wanted, steps, folder)
    finished = _finished(folder)
    if finished and (why := finished.get("ended_early")):
        return f"{folder}: ended early after {finished.get('steps')} steps, by {why}; more steps would end there, too"
    return "" if more or not finished else f"{folder}: finished after {steps} steps; steps=MORE goes on"


@contextmanager
def replaying(resumed: Resumed | None) -> Iterator[None]:
    """Raise BadInput that names the file of the arguments where they are none, or Hydra cannot compose them."""
    try:
        yield
    except (BadInput, HydraException, OmegaConfBaseException) as error:
        said = format_error(error)
        if resumed is None or said.startswith(tuple(f"{field}=" for field in resumed.free)):  # the command's own
            raise
        file = resumed.folder / CONFIG / "overrides.yaml"
        raise BadInput(f"{file}: damaged, or of another version: {said}") from error


def check_begun(folder: Path, where: str) -> None:
    """Raise BadInput for a folder in which no run has begun. where: how the user named it."""
    if not (folder / CONFIG / "overrides.yaml").is_file():
        raise BadInput(f"{where}: no run has begun there; allowed: a folder with {CONFIG}/overrides.yaml in it")


def overrides_of(folder: Path) -> list[str]:
    """The arguments of the run that was begun in a folder; raises BadInput where they are damaged."""
    file = folder / CONFIG / "overrides.yaml"
    found = yaml_of(file, list)
    if not all(isinstance(one, str) for one in found):
        raise BadInput(f"{file}: damaged: allowed: a list of texts, the arguments of the run")
    return renewed_all(found)


def _resolved(config: dict[str, Any]) -> dict[str, Any]:
    """The steps of a config, which may come from an environment variable; as they are written where that is gone."""
    try:
        return {"steps": OmegaConf.create(config).steps}
    except OmegaConfBaseException:
        return config


def _more(argument: str | None, before: int, folder: Path) -> bool:
    """Whether more steps are wanted than before; raises BadInput for fewer."""
    wanted = (argument or f"steps={before}").partition("=")[2]
    if not re.fullmatch(r"\d+", wanted):
        raise BadInput(f"steps={wanted}: allowed: a whole number")
    if int(wanted) < before:
        raise BadInput(f"steps={wanted}: {folder} was begun with steps={before}; allowed: at least as many")
    return int(wanted) > before


def _finished(folder: Path) -> dict[str, Any]:
    """The summary of a run that has come to its end, with all of its report, else nothing; it is written last.

    A run whose files are not those that it wrote has not: it goes on from its checkpoint, or is refused.
    """
    summary = folder / "summary.json"
    if not summary.is_file():
        return {}
    try:
        found = json_of(summary)
        check_sums(folder)
        return found if found["interrupted"] is None and not found.get("not_written") else {}
    except (BadInput, OSError) as error:
        warnings.warn(f"{error}; so the run is not taken as finished", stacklevel=2)
    except (KeyError, TypeError, AttributeError):
        warnings.warn(f"{summary}: damaged; so the run is not taken as finished", stacklevel=2)
    return {}


def _changed(overrides: list[str], changes: dict[str, str]) -> list[str]:
    """The overrides with the changes in their places, new ones at the end."""
    said = [changes.get(override.partition("=")[0], override) for override in overrides]
    return [*said, *(change for change in changes.values() if change not in said)]


def sources_of(folder: Path) -> tuple[list[str], list[str]]:
    """Where the configs of a run were looked for beside ours: folders (--config-dir), and hydra.searchpath= as typed.

    Raises BadInput where the file that tells it is damaged.
    """
    file = folder / CONFIG / "hydra.yaml"
    said: dict[str, Any] = yaml_of(file, dict) if file.is_file() else {}
    try:
        hydra = said.get("hydra", {})
        sources = hydra.get("runtime", {}).get("config_sources", [])
        words = hydra.get("overrides", {}).get("hydra", [])
        searched = [word for word in words if word.startswith("hydra.searchpath=")]
        given = [str(source["path"]) for source in sources if source.get("provider") == "command-line"]
    except (AttributeError, KeyError, TypeError) as error:
        raise BadInput(f"{file}: damaged: allowed: what Hydra has written there") from error
    return given, searched


def _quoted(path: Path) -> str:
    """A path as Hydra reads it."""
    escaped = str(path).replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
