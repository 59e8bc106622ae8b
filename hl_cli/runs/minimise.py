"""task=minimise: from a config to files.

Everything is written at the end, so that a search that is broken off leaves nothing.
"""

from __future__ import annotations

import time
from dataclasses import asdict
from functools import partial
from pathlib import Path
from textwrap import fill
from typing import Any

import torch
from omegaconf import DictConfig

from hl_cli.build.search import Search, search_of
from hl_cli.config.unresolved import Hidden
from hl_cli.errors import BadInput
from hl_cli.minimise.methods import METHODS
from hl_cli.minimise.search import Make, Trials, generator_of, path, replicate_of
from hl_cli.minimise.summary import Outcome as Found
from hl_cli.minimise.summary import outcomes
from hl_cli.parallel.world import World
from hl_cli.reporting import console, search_pictures, search_report, search_tables
from hl_cli.reporting.summary import versions, write_json
from hl_cli.reporting.sums import add_sums, write_sums
from hl_cli.runs.config_files import write_config
from hl_cli.runs.finish import Outcome
from hl_cli.runs.folder import check_vacant, of_hydra
from hl_cli.runs.restart import alone
from hl_cli.runs.signals import Interruption

PLANE_STEPS = 200
INDENT = "  "


def minimise(
    cfg: DictConfig,
    folder: Path,
    hydra: DictConfig | None = None,
    command: str = "hl-run task=minimise",
    stop: Interruption | None = None,
    world: World | None = None,
    resumed: object = None,
) -> Outcome:
    """Search, and write what came out into an empty folder; a signal that comes while files are written waits.

    resumed: there is no such thing; `resume=` refuses it before.
    """
    search = search_of(cfg)
    if world is not None and world.size > 1:
        raise BadInput(f"task=minimise ({world.size} processes): allowed: one process, without torchrun")
    torch.set_num_threads(cfg.threads)
    with alone(folder):
        check_vacant(folder, of_hydra(hydra, folder) if hydra else ())
        if cfg.dry_run:
            return _dry_run(search, folder)
        console.say(f"minimise {search.title}: {', '.join(cfg.methods)}\n  {search.budget}")
        found = [trials for replicate in range(cfg.seeds) for trials in _replicate(search, replicate)]
        stop = stop or Interruption()
        with stop:
            return _finish(search, found, cfg, folder, hydra, command, stop)


def _replicate(search: Search, replicate: int) -> list[Trials]:
    cfg, begin = search.cfg, time.perf_counter()
    make: Make = search.make
    found = list(
        replicate_of(
            make, search.ranges, cfg.methods, search.trials, search.steps, cfg.transfer, cfg.seed, replicate
        )
    )  # fmt: skip
    best = ", ".join(f"{of.method} {float(of.judged[of.best]):.1e}" for of in found)
    console.say(f"  replicate {replicate + 1} of {cfg.seeds} ({time.perf_counter() - begin:.0f} s)  {best}")
    return found


def _dry_run(search: Search, folder: Path) -> Outcome:
    """Time a few steps of each method; write nothing."""
    few, begin = min(10, search.steps), time.perf_counter()
    for name in search.cfg.methods:
        settings = {key: torch.full((search.trials, 1), 0.5, dtype=torch.float64) for key in METHODS[name].settings}
        for _ in path(METHODS[name], search.make(1, generator_of(0, 0, "instance")), settings, few):
            pass
    seconds = (time.perf_counter() - begin) * search.steps / few * search.cfg.seeds
    lines = [
        f"dry run: minimise {search.title}, nothing written",
        f"  {search.budget}",
        f"  would write to {folder}",
        f"    trials.csv             {search.trials * search.cfg.seeds * len(search.cfg.methods):,} rows",
        f"    best.csv               {search.cfg.seeds * len(search.cfg.methods):,} rows",
        f"    summary.csv            {len(search.cfg.methods)} rows",
        f"    {'usable.png, paths.png' if search.kind.plane else 'usable.png'}, report.html, report.md, summary.json",
        f"  time        about {seconds:.0f} s, and the fresh instances",
    ]
    console.say("\n".join(lines))
    return Outcome({}, 0)


def _finish(
    search: Search,
    found: list[Trials],
    cfg: DictConfig,
    folder: Path,
    hydra: DictConfig | None,
    command: str,
    stop: Interruption,
) -> Outcome:
    """All files; summary.json is the last."""
    made = outcomes(found)
    write_config(cfg, folder, hydra)
    search_tables.write_trials(folder, found)
    search_tables.write_best(folder, found)
    search_tables.write_summary(folder, made)
    write_sums(folder, {})
    add_sums(folder, ("trials.csv", "best.csv", "summary.csv"))
    title = f"Minimise {search.title}"
    search_pictures.draw_usable(folder, title, found, search.ranges)
    plane = _draw_plane(search, folder)
    command = str(Hidden(cfg)(command))
    read = fill(search_report.READ, 116, initial_indent=INDENT, subsequent_indent=INDENT)
    console.say(f"{search_tables.aligned(search_tables.table(made))}\n{read}\n  {console.short(folder)}")
    threads = f"{cfg.threads} CPU thread{'s' * (cfg.threads > 1)}"
    about = [search.budget, f"Ranges: {_said(search)}.", f"Seed {cfg.seed}; {threads}; float64."]
    failed = search_report.write_pages(folder, title, about, search_report.sections(folder, made, plane), command)
    summary = _summary(search, made, command) | {"not_written": failed}
    write_json(folder / "summary.json", summary)
    return Outcome(summary, 128 + stop.received if stop.received else int(bool(failed)))


def _said(search: Search) -> str:
    used = {name for method in search.cfg.methods for name in METHODS[method].settings}
    return ", ".join(f"{name} {of.low:g} to {of.high:g}" for name, of in search.ranges.items() if name in used)


def _draw_plane(search: Search, folder: Path) -> str:
    """Each method on the function of two variables, its settings searched there; what the picture shows, or nothing."""
    if search.kind.plane is None:
        return ""
    cfg, steps = search.cfg, min(search.steps, PLANE_STEPS)
    make: Make = partial(search.make, **search.kind.plane)
    function = make(1, generator_of(cfg.seed, cfg.seeds, "instance"))
    paths = {}
    for of in replicate_of(make, search.ranges, cfg.methods, search.trials, steps, 1, cfg.seed, cfg.seeds):
        settings = {name: values[of.best].view(1, 1) for name, values in of.settings.items()}
        paths[of.method] = torch.cat([*path(METHODS[of.method], function, settings, steps)])
    words = f"n = 2, {steps} steps from one start, each method with the best of {search.trials} settings"
    search_pictures.draw_paths(folder, f"{cfg.function.name}, {words}", function, paths)
    return f"The paths on the same function with {words}, searched there; above each its last value."


def _summary(search: Search, made: list[Found], command: str) -> dict[str, Any]:
    """summary.json."""
    cfg = search.cfg
    return {
        "task": "minimise",
        "function": {"name": cfg.function.name, **search.options},
        "methods": list(cfg.methods),
        "trials": search.trials,
        "steps": search.steps,
        "seeds": cfg.seeds,
        "transfer": cfg.transfer,
        "ranges": {name: [of.low, of.high] for name, of in search.ranges.items()},
        **{of.method: {key: value for key, value in asdict(of).items() if key != "method"} for of in made},
        "seed": cfg.seed,
        "threads": cfg.threads,
        "dtype": "float64",
        "result": f"best {', '.join(f'{of.method} {of.best[1]:.0e}' for of in made)}",
        "interrupted": None,
        "command": command,
        "versions": versions(),
    }
