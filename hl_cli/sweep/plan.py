"""What a command asks for: the swept keys, and, with Hydra's own sweeper, the jobs in their order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig

from hl_cli.errors import BadInput
from hl_cli.sweep.identity import content, difference
from hl_cli.sweep.ledger import FILE, Book, Ledger
from hl_cli.unresolved import Hidden, as_written

RESUME = "sweep.resume="


@dataclass(frozen=True)
class Plan:
    """A sweep as its command tells it; planned: the overrides of each job, none where a sweeper makes them later."""

    folder: Path
    base: dict[str, Any]
    swept: list[str]
    command: list[str]
    planned: list[list[str]]

    def enter(self) -> None:
        """Put its jobs into the ledger of its folder; those that are there stay as they are."""
        with Ledger(self.folder).change(Book(self.base, self.swept, self.command)) as book:
            book.swept += [key for key in self.swept if key not in book.swept]
            known = [entry.choices for entry in book.jobs]
            for choices in (choices_of(job, book.swept) for job in self.planned):
                if choices not in known:
                    book.add(choices)


def plan_of(config: DictConfig, folder: Path) -> Plan:
    """Read a sweep's config, before any job is composed."""
    params = config.hydra.sweeper.get("params") or {}
    task = as_written(config.hydra.overrides.task)
    said = [*(f"{key}={value}" for key, value in params.items()), *task]
    overrides = OverridesParser.create().parse_overrides(said)
    swept = list(dict.fromkeys(_key(one) for one in overrides if one.is_sweep_override()))
    own = str(config.hydra.sweeper._target_).rpartition(".")[2] == BasicSweeper.__name__
    if own and all(one.is_discrete_sweep() for one in overrides if one.is_sweep_override()):
        (planned,) = BasicSweeper.split_arguments(overrides, None)
    else:
        planned = []
    command = [*as_written(config.hydra.overrides.hydra), *task]
    return Plan(
        folder, Hidden(config)(content(config)), swept, [one for one in command if not _of_resume(one)], planned
    )


def _of_resume(override: str) -> bool:
    return override.startswith((RESUME, "hydra.sweep.dir=", "hydra.mode="))


def _key(override: Override) -> str:
    return str(override.get_key_element()).lstrip("+~")


def choices_of(overrides: Iterable[str], swept: Iterable[str]) -> dict[str, str]:
    """What a job has for the swept keys, as it is written in its command."""
    pairs = dict(override.lstrip("+").split("=", 1) for override in overrides if "=" in override)
    return {key: pairs[key] for key in swept if key in pairs}


def check_resume(plan: Plan, said: str) -> None:
    """Raise BadInput unless the folder is a sweep's whose rows can be compared with those of the plan."""
    ledger = Ledger(plan.folder)
    if not ledger.exists:
        raise BadInput(f"{said}: is no sweep, it has no {FILE}; allowed: the folder of one")
    book = ledger.read()
    apart = difference(book.base, plan.base, {*book.swept, *plan.swept})
    if apart:
        raise BadInput(f"{said}: {apart}, so their rows could not be compared; allowed: what that sweep has")


def with_command(arguments: list[str]) -> list[str]:
    """sweep.resume=DIR names the folder to go on in, and, where it stands alone, the command that was given there."""
    given = [one for one in arguments if one.startswith(RESUME) and one != f"{RESUME}null"]
    if not given:
        return arguments
    folder = given[-1].removeprefix(RESUME).strip("'\"")
    quoted = "'" + folder.replace("'", "\\'") + "'"
    others = [one for one in arguments if one not in (*given, "-m", "--multirun")]
    ledger = Ledger(Path(folder))
    command = others or (ledger.read().command if ledger.exists else [])
    return ["-m", *command, f"{RESUME}{quoted}", f"hydra.sweep.dir={quoted}"]
