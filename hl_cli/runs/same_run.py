"""Whether a run can go on from a checkpoint in its folder: the same config, the same processes, the same files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, ListConfig, OmegaConf

from hl_cli.config.renamed import removed, renewed_config
from hl_cli.config.unresolved import Hidden
from hl_cli.errors import BadInput
from hl_cli.parallel import launched
from hl_cli.reporting import tensorboard
from hl_cli.reporting.growing import Mark, check_mark
from hl_cli.reporting.thousands import FILE as THOUSANDS

_NAMES = re.compile(rf"[a-z_]+\.csv|{tensorboard.FOLDER}/[\w-][\w.-]*/events\.out\.tfevents\.[\w.-]+")


def files_of(state: dict[str, Any]) -> dict[str, Mark]:
    """The files that a run goes on with, by their path in its folder, and their marks; BadInput for a name of none."""
    events = state.get("tensorboard", {"files": {}})["files"].items()  # report=none has none
    grown = {f"{name}.csv": of["mark"] for name, of in state.items() if isinstance(of, dict) and "mark" in of}
    tables = state["tables"] | {THOUSANDS: state["thousands"]["mark"]} | grown  # every run has that one
    found = tables | {f"{tensorboard.FOLDER}/{learner}/{name}": mark for learner, (name, mark) in events}
    for name in found:
        if not _NAMES.fullmatch(name):
            raise BadInput(f"it goes on with a file {name[:80]!r}; allowed: the files of a run, in its own folder")
    return found


def check(state: dict[str, Any], cfg: DictConfig, folder: Path, free: tuple[str, ...]) -> None:
    """Raise BadInput unless a run of this config can go on there, from the files as they are in the folder.

    free: fields that may have changed.
    """
    check_config(state, cfg, free)
    if state["processes"] != launched():
        raise BadInput(f"the checkpoint is of {state['processes']} processes, and here are {launched()}")
    for name, mark in files_of(state).items():
        check_mark(folder / name, mark)


@contextmanager
def naming(file: Path, advice: str = "") -> Iterator[None]:
    """Raise BadInput that names the checkpoint, also where its check sum is right and its content of another shape.

    advice: the end of the line.
    """
    try:
        yield
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        said = (
            str(error) if isinstance(error, BadInput) else f"no checkpoint of a run ({type(error).__name__}: {error})"
        )
        raise BadInput(f"{said if str(file) in said else f'{file}: {said}'}{advice}") from error


def check_config(state: dict[str, Any], cfg: DictConfig, free: tuple[str, ...]) -> None:
    """Raise BadInput where a field, or an environment variable in it, is another one than at the checkpoint."""
    differing(state["config"], cfg, "the checkpoint", free)
    if changed := Hidden(cfg).changed(state["environment"]):
        raise BadInput(f"{changed}: the variable is another one than at the checkpoint, or gone")


def differing(before: dict[str, Any], cfg: DictConfig, whose: str, free: tuple[str, ...]) -> None:
    """Raise BadInput for the first field that differs from the config of `whose`."""
    then, now = (_flat(renewed_config(one)) for one in (before, Hidden(cfg)(plain(cfg))))
    for name in dict.fromkeys((*then, *now)):
        if name.partition(".")[0] not in free and then.get(name) != now.get(name):
            here = removed(name) or f"{name}={now.get(name)}"
            raise BadInput(f"{here}, and in the config of {whose} {then.get(name)}")


def plain(cfg: DictConfig | ListConfig) -> dict[str, Any]:
    """A config without types."""
    return OmegaConf.to_container(cfg, resolve=True)  # type: ignore[return-value]


def _flat(values: dict[str, Any], where: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in values.items():
        name = f"{where}{key}"
        found |= _flat(value, f"{name}.") if isinstance(value, dict) and value else {name: value}
    return found
