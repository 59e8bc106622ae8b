"""What a command asks for: the swept keys, and, with Hydra's own sweeper, the jobs in their order."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.global_hydra import GlobalHydra
from hydra.core.object_type import ObjectType
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import IntervalSweep, Override, ValueType
from omegaconf import DictConfig, OmegaConf

from hl_cli.config.arms import taking_part
from hl_cli.config.registry import choice_of
from hl_cli.config.unresolved import Hidden, as_written
from hl_cli.errors import BadInput
from hl_cli.reporting.own_files import check_own
from hl_cli.studies.plan import StudyPlan
from hl_cli.studies.tuning import candidates
from hl_cli.sweeps.identity import content, difference
from hl_cli.sweeps.manifest import FILE, Manifest, ManifestFile

RESUME = "sweep.resume="
MOST = 100_000  # jobs of one sweep, which are all known before the first


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
        with ManifestFile(self.folder).change(Manifest(self.base, self.swept, self.command)) as book:
            book.swept += [key for key in self.swept if key not in book.swept]
            known = [entry.choices for entry in book.jobs]
            for choices in (choices_of(job, book.swept) for job in self.planned):
                if choices not in known:
                    book.add(choices)


def plan_of(config: DictConfig, folder: Path) -> Plan:
    """Read a sweep's config, before any job is composed; raises BadInput for values that its sweeper cannot take."""
    params = config.hydra.sweeper.get("params") or {}
    task = as_written(config.hydra.overrides.task)
    said = [*(f"{key}={value}" for key, value in params.items()), *task]
    overrides = OverridesParser.create(GlobalHydra.instance().config_loader()).parse_overrides(said)
    sweeps = [one for one in overrides if one.is_sweep_override()]
    swept = list(dict.fromkeys(map(_key, sweeps)))
    sweeper = str(config.hydra.sweeper._target_).rpartition(".")[2]
    own = sweeper == BasicSweeper.__name__
    if "task" in config and not own:
        raise BadInput(
            f"hydra/sweeper={sweeper} (task={config.task}): no one number says how good it was; allowed: Hydra's own "
            "sweeper, which tries every combination"
        )
    counts = [_values_of(one, own) for one in sweeps]
    planned = []
    if own:
        if math.prod(counts) > MOST:
            raise BadInput(f"{', '.join(swept)}: more than {MOST:,} jobs in one sweep; allowed: fewer values")
        (planned,) = BasicSweeper.split_arguments(overrides, None)
    if is_study(config):
        swept += [key for key in study_plan(config).keys if key not in swept]
    command = [one for one in (*as_written(config.hydra.overrides.hydra), *task) if not _of_resume(one)]
    return Plan(folder, Hidden(config)(content(config)), swept, command, planned)


def _values_of(one: Override, own: bool) -> int:
    """How many values a sweep has, at most MOST + 1; raises BadInput for one that its sweeper cannot take.

    own: whether the sweeper is Hydra's, which tries every combination; others know no glob. An interval counts as one.
    """
    said, value = one.input_line, one.value()
    if isinstance(value, IntervalSweep):
        if own:
            allowed = "choice, range, glob, or hydra/sweeper=optuna"
            raise BadInput(f"{said}: an interval has no list of values; allowed: {allowed}")
        if value.start is None or value.end is None or value.start >= value.end:
            raise BadInput(f"{said}: allowed: an interval that goes up, such as interval(0.001,0.1)")
        return 1
    if not own and one.value_type == ValueType.GLOB_CHOICE_SWEEP:
        raise BadInput(f"{said}: a glob is allowed with Hydra's own sweeper alone; write the names: choice(A,B)")
    try:
        count = sum(1 for _ in islice(one.sweep_iterator(), MOST + 1))
    except Exception as error:  # a step of 0, of which Hydra makes two kinds
        raise BadInput(f"{said}: {error}") from error
    if not count:
        group = one.key_or_group
        options = one.config_loader.get_group_options(group, ObjectType.CONFIG) if one.config_loader else []
        names = f"; the options of {group} are {', '.join(options)}" if options else ""
        raise BadInput(f"{said}: stands for no value; allowed: one or more{names}")
    return count


def is_study(config: DictConfig) -> bool:
    """Whether the sweeper tunes arms and judges them; raises BadInput for a study that no such sweeper would run."""
    named = str(config.hydra.sweeper._target_).endswith(".StudySweeper")
    if "study" in config and config.study.tune and not named:
        raise BadInput("study.tune: allowed with hydra/sweeper=study")
    return named


def study_plan(config: DictConfig) -> StudyPlan:
    """The plan of a config; raises BadInput for what cannot be tuned."""
    config, study = taking_part(config), config.study
    fields = {str(arm): [f"arms.{arm}.{field}" for field in of] for arm, of in config.arms.items()}
    tunable = {arm: own for arm, own in fields.items() if _learns(config.arms[arm])}
    tune: Any = {} if study.tune is None else OmegaConf.to_container(study.tune, resolve=True)
    tried = candidates(tune, study.budget, tunable) if tune else {}
    return StudyPlan(tried, study.score, study.tuning_seeds, study.seeds)


def _learns(arm: DictConfig) -> bool:
    """Whether an arm has anything to tune."""
    choice = choice_of(OmegaConf.get_type(arm))
    return choice is None or bool(choice.facts.get("learns", True))


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
    ledger = ManifestFile(plan.folder)
    if not ledger.exists:
        raise BadInput(f"{said}: is no sweep, it has no {FILE}; allowed: the folder of one")
    check_own(plan.folder)
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
    ledger = ManifestFile(Path(folder))
    command = others or (ledger.read().command if ledger.exists else [])
    return ["-m", *command, f"{RESUME}{quoted}", f"hydra.sweep.dir={quoted}"]
