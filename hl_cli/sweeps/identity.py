"""Which job is which: a hash of all that decides its numbers, and where two sweeps differ."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from omegaconf import DictConfig, OmegaConf

from hl_cli.config.intervals import intervals
from hl_cli.config.renamed import former_config, renewed_config
from hl_cli.config.tasks import TASKS
from hl_cli.config.unresolved import Hidden
from hl_cli.config.validation import LONGEST_NAME

HASH = 16  # hexadecimal digits in tables
NAMED = ("stream.name", "model.name", "split.name", "scenario.name")
SHORT = 8  # in names of folders
APART = (
    "hydra",
    "sweep",
    "paths",
    "checkpoint_every",
    "keep_checkpoints",
    "report",
)  # no number of a job depends on them


def content(cfg: DictConfig) -> dict[str, Any]:
    """All that decides the numbers of a job, resolved."""
    found = {str(key): _plain(cfg, str(key)) for key in cfg if key not in APART}
    return found | (intervals(cfg, found["steps"]) if isinstance(found.get("steps"), int) else {})


def _plain(cfg: DictConfig, key: str) -> Any:
    if OmegaConf.is_missing(cfg, key):
        return "???"
    return OmegaConf.to_container(cfg[key], resolve=True) if OmegaConf.is_config(cfg[key]) else cfg[key]


def config_hash(cfg: DictConfig) -> str:
    """The same for the same resolved config, whatever the number and the command of the job."""
    return hashlib.sha256(json.dumps(former_config(content(cfg)), sort_keys=True).encode()).hexdigest()[:HASH]


def difference(there: dict[str, Any], here: dict[str, Any], swept: Iterable[str]) -> str | None:
    """The first field in which two base configs differ, in words; fields that are swept in either are left out."""
    parts = [key.rpartition("@")[2].split(".") for key in swept]
    old, new = dict(_flat(renewed_config(there))), dict(_flat(renewed_config(here)))
    for path in dict.fromkeys((*old, *new)):
        if old.get(path) != new.get(path) and not any(list(path[: len(part)]) == part for part in parts):
            name = ".".join(path)
            return f"{name}={_said(old, path)} there, {name}={_said(new, path)} here"
    return None


def _flat(tree: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(tree, dict) and tree:
        for key, value in tree.items():
            yield from _flat(value, (*path, str(key)))
    else:
        yield path, tree


def _said(flat: dict[tuple[str, ...], Any], path: tuple[str, ...]) -> str:
    return ("null" if flat[path] is None else str(flat[path])) if path in flat else "(no such field)"


def folder_name(cfg: DictConfig) -> str:
    """What a run is about, as a name that stays in its folder, and tells nothing of the environment.

    Stream, model, split and scenario; of a task its own name and its choices.
    """
    hide, found = Hidden(cfg), []
    own = ("task", *(f"{group}.name" for group in TASKS[cfg.task].groups)) if "task" in cfg else NAMED
    for field in own:
        _, written = hide.fields.get(field, ("", OmegaConf.select(cfg, field)))
        found.append(re.sub(r"[^A-Za-z0-9._-]+", "_", str(written)).strip("_")[:LONGEST_NAME] or "unnamed")
    return "_".join(found)


OmegaConf.register_new_resolver("folder_name", lambda *, _root_: folder_name(_root_), replace=True)
OmegaConf.register_new_resolver("config_hash", lambda *, _root_: config_hash(_root_)[:SHORT], replace=True)
