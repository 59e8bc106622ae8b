"""task=minimise: a search of the numbers of several methods."""

from __future__ import annotations

import time
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig

from hl_cli.build.search import search_of
from hl_cli.minimise.methods import METHODS
from hl_cli.minimise.search import Make, Trials, path, replicate_of
from hl_cli.minimise.summary import Outcome, outcomes
from hl_cli.replicates.draws import generator_of
from hl_cli.replicates.standing import Moving, Standing
from hl_cli.reporting import console, search_pictures, search_report, search_tables
from hl_cli.runs.task import Done, Plan

PLANE_STEPS = 200
TABLES = ("trials.csv", "best.csv", "summary.csv")


class Minimisation:
    """A search, replicate by replicate."""

    def __init__(self, cfg: DictConfig) -> None:
        self.search = search_of(cfg)
        self.title = f"Minimise {self.search.title}"
        self.opening = [f"minimise {self.search.title}: {', '.join(cfg.methods)}", self.search.budget]
        self.found: list[Trials] = []
        self.outcomes: list[Outcome] = []

    def run(self, standing: Standing) -> None:
        """All replicates."""
        moving = Moving({"found": []})
        for replicate in standing.steps("search", self.search.cfg.seeds, moving):
            moving.memory["found"] += [asdict(of) for of in self._replicate(replicate - 1)]
        self.found = [Trials(**of) for of in moving.memory["found"]]
        self.outcomes = outcomes(self.found)

    def _replicate(self, replicate: int) -> list[Trials]:
        search, cfg, begin = self.search, self.search.cfg, time.perf_counter()
        make: Make = search.make
        budget = (search.ranges, cfg.methods, search.trials, search.steps, cfg.transfer)
        found = list(replicate_of(make, *budget, cfg.seed, replicate))
        best = ", ".join(f"{of.method} {float(of.judged[of.best]):.1e}" for of in found)
        console.say(f"  replicate {replicate + 1} of {cfg.seeds} ({time.perf_counter() - begin:.0f} s)  {best}")
        return found

    def plan(self) -> Plan:
        """Time a few steps of each method."""
        search, cfg = self.search, self.search.cfg
        few, begin = min(10, search.steps), time.perf_counter()
        for name in cfg.methods:
            settings = {key: torch.full((search.trials, 1), 0.5, dtype=torch.float64) for key in METHODS[name].settings}
            for _ in path(METHODS[name], search.make(1, generator_of(0, 0, "instance")), settings, few):
                pass
        seconds = (time.perf_counter() - begin) * search.steps / few * cfg.seeds
        files = {
            "trials.csv": f"{search.trials * cfg.seeds * len(cfg.methods):,} rows",
            "best.csv": f"{cfg.seeds * len(cfg.methods):,} rows",
            "summary.csv": f"{len(cfg.methods)} rows",
            "usable.png": "",
            **({"paths.png": ""} if search.kind.plane else {}),
        }
        return Plan(seconds, files)

    def write(self, folder: Path) -> Done:
        """Tables and pictures."""
        search, cfg = self.search, self.search.cfg
        search_tables.write_trials(folder, self.found)
        search_tables.write_best(folder, self.found)
        search_tables.write_summary(folder, self.outcomes)
        search_pictures.draw_usable(folder, self.title, self.found, search.ranges)
        plane = self._draw_plane(folder)
        threads = f"{cfg.threads} CPU thread{'s' * (cfg.threads > 1)}"
        return Done(
            TABLES,
            search_tables.table(self.outcomes),
            search_report.READ,
            [search.budget, f"Ranges: {self._ranges()}.", f"Seed {cfg.seed}; {threads}; float64."],
            search_report.sections(folder, self.outcomes, plane),
            self._summary(),
            f"best {', '.join(f'{of.method} {of.best[1]:.0e}' for of in self.outcomes)}",
        )

    def _ranges(self) -> str:
        search = self.search
        used = {name for method in search.cfg.methods for name in METHODS[method].settings}
        return ", ".join(f"{name} {of.low:g} to {of.high:g}" for name, of in search.ranges.items() if name in used)

    def _draw_plane(self, folder: Path) -> str:
        """Each method on the function of two variables, its settings searched there; what the picture shows, or ""."""
        search, cfg = self.search, self.search.cfg
        if search.kind.plane is None:
            return ""
        steps = min(search.steps, PLANE_STEPS)
        make: Make = partial(search.make, **search.kind.plane)
        function = make(1, generator_of(cfg.seed, cfg.seeds, "instance"))
        paths = {}
        for of in replicate_of(make, search.ranges, cfg.methods, search.trials, steps, 1, cfg.seed, cfg.seeds):
            settings = {name: values[of.best].view(1, 1) for name, values in of.settings.items()}
            paths[of.method] = torch.cat([*path(METHODS[of.method], function, settings, steps)])
        words = f"n = 2, {steps} steps from one start, each method with the best of {search.trials} settings"
        search_pictures.draw_paths(folder, f"{cfg.function.name}, {words}", function, paths)
        return f"The paths on the same function with {words}, searched there; above each its last value."

    def _summary(self) -> dict[str, Any]:
        search, cfg = self.search, self.search.cfg
        return {
            "function": {"name": cfg.function.name, **search.options},
            "methods": list(cfg.methods),
            "trials": search.trials,
            "steps": search.steps,
            "seeds": cfg.seeds,
            "transfer": cfg.transfer,
            "ranges": {name: [of.low, of.high] for name, of in search.ranges.items()},
            **{of.method: {key: value for key, value in asdict(of).items() if key != "method"} for of in self.outcomes},
            "dtype": "float64",
        }
