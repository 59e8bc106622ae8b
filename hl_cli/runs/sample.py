"""task=sample: chains of several samplers."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig
from tqdm import tqdm

from hl_cli.build.sampling import Sampling
from hl_cli.replicates.draws import generator_of
from hl_cli.replicates.quartiles import quartiles
from hl_cli.replicates.standing import Standing
from hl_cli.reporting import console, sample_pictures, sample_report, sample_tables
from hl_cli.runs.task import Done, Plan
from hl_cli.sampling.chains import Chains, Setting, draw
from hl_cli.sampling.diagnostics import Diagnostics, diagnose
from hl_cli.sampling.methods import METHODS, move_of, system_of
from hl_cli.sampling.tuning import Budget, Tried, tuned

TRIAL_DRAWS = 3  # of a dry run


class Samplers:
    """Chains, method by method. The replicates of a method run side by side."""

    def __init__(self, cfg: DictConfig) -> None:
        self.of = Sampling(cfg)
        self.cfg = self.of.cfg
        self.title = f"Sample {self.of.title}"
        each = f"{cfg.chains} chains of {cfg.draws} draws after {cfg.warmup}"
        self.budget = f"Each method: {each}, in each of {cfg.seeds} replicates."
        self.opening = [f"sample {self.of.title}: {', '.join(cfg.methods)}", self.budget]
        self.settings: dict[str, Setting] = {name: self.of.setting(name) for name in cfg.methods}
        self.chains: dict[str, list[Chains]] = {}
        self.found: list[Diagnostics] = []
        self.tried: dict[str, list[Tried]] = {}

    def _drawn(self, name: str, draws: int, warmup: int, standing: Standing) -> Chains:
        of, cfg = self.of, self.cfg
        spread = cfg.spread if cfg.accept == "exact" and name == "explicit" else None
        noise = generator_of(cfg.seed, 0, f"noise of {name}")
        system, move = system_of(name, of.target, cfg), move_of(name, cfg)
        return draw(
            system, move, self.settings[name], of.start, draws, warmup, noise, cfg.jitter, spread, standing, name
        )

    def plan(self) -> Plan:
        """Time a few draws of each method."""
        cfg, begin = self.cfg, time.perf_counter()
        for name in cfg.methods:
            self._drawn(name, TRIAL_DRAWS, 0, Standing())
        rows = cfg.draws * cfg.chains * cfg.seeds * len(cfg.methods)
        pictures = ["marginals", "pairs", "traces", "energies", *(["copies"] if "explicit" in cfg.methods else [])]
        files = {
            "draws.csv": f"{rows:,} rows",
            "replicates.csv": f"{cfg.seeds * len(cfg.methods)} rows",
            "summary.csv": f"{len(cfg.methods)} rows",
            **({"tuning.csv": f"{cfg.tune_trials * len(cfg.methods)} rows"} if cfg.tune else {}),
            **{f"{name}.png": "" for name in pictures if name != "pairs" or len(self.of.target.names) > 1},
        }
        return Plan((time.perf_counter() - begin) / TRIAL_DRAWS * (cfg.draws + cfg.warmup), files)

    def run(self, standing: Standing) -> None:
        """All methods."""
        cfg = self.cfg
        for name in cfg.methods:
            begin = time.perf_counter()
            total = cfg.draws + cfg.warmup + cfg.tune * cfg.tune_trials
            with tqdm(total=total, desc=f"  {name}", leave=False, disable=None) as bar:
                standing.tick = bar.update
                if cfg.tune:
                    self._tune(name, standing)
                together = self._drawn(name, cfg.draws, cfg.warmup, standing)
            self.chains[name] = _apart(together, cfg.seeds)
            own = [diagnose(name, k, self.settings[name], of, self.of.target) for k, of in enumerate(self.chains[name])]
            self.found += own
            accepted = sample_tables.middle(own, "accepted")
            console.say(f"  {name} ({time.perf_counter() - begin:.0f} s)  accepted {accepted:.2f}")

    def _tune(self, name: str, standing: Standing) -> None:
        of, cfg = self.of, self.cfg
        start = of.target.start(cfg.chains, generator_of(cfg.seed, cfg.seeds, "start"))
        spread = cfg.spread if cfg.accept == "exact" and name == "explicit" else None
        self.settings[name], self.tried[name] = tuned(
            name, system_of(name, of.target, cfg), move_of(name, cfg), self.settings[name], start,
            Budget(cfg.tune_trials, cfg.tune_evaluations), generator_of(cfg.seed, 0, f"tuning of {name}"),
            cfg.jitter, spread, standing, f"{name}, tuning",
        )  # fmt: skip

    def write(self, folder: Path) -> Done:
        """Tables and pictures."""
        of, cfg, found = self.of, self.cfg, self.found
        names = [*of.target.names]
        sample_tables.write_draws(folder, self.chains, names)
        sample_tables.write_replicates(folder, found, names)
        sample_tables.write_summary(folder, found)
        tables = ["draws.csv", "replicates.csv", "summary.csv"]
        if self.tried:
            sample_tables.write_tuning(folder, self.tried)
            tables.append("tuning.csv")
        sample_pictures.draw_all(folder, self.title, self.chains, of.target)
        exact = cfg.accept == "exact"
        warned = sample_report.warnings(found, exact)
        curved = any(METHODS[name].curved for name in cfg.methods)
        own = [
            f"Metric {cfg.metric or of.target.metric}, omega {cfg.omega:g}, accept={cfg.accept}." if curved else "",
            f"Steps searched with {cfg.tune_trials} settings and {cfg.tune_evaluations} evaluations a chain and method."
            if cfg.tune
            else "Steps as given, not searched: a comparison of methods needs tune=true.",
        ]
        threads = f"{cfg.threads} CPU thread{'s' * (cfg.threads > 1)}"
        return Done(
            tuple(tables),
            sample_tables.table(found),
            " ".join([sample_report.read(of.target), *warned]),
            [self.budget, *filter(None, own), f"Seed {cfg.seed}; {threads}; float64."],
            sample_report.sections(folder, found, of.target, exact),
            self._summary(warned),
            f"ESS/1000 evals {', '.join(self._words())}",
        )

    def _words(self) -> list[str]:
        per = sample_tables.by_method(self.found)
        return [f"{name} {sample_tables.middle(own, 'per_evaluation'):.3g}" for name, own in per.items()]

    def _summary(self, warned: list[str]) -> dict[str, Any]:
        cfg = self.cfg
        of_methods = {
            name: {
                "step": self.settings[name].step,
                "length": self.settings[name].length,
                **{key: _three(getattr(one, key) for one in own) for key in sample_tables.NUMBERS},
                "replicates": [
                    {key: value if isinstance(value, list) else _number(value) for key, value in asdict(one).items()
                     if key not in ("method", "step", "length")} for one in own
                ],
            }
            for name, own in sample_tables.by_method(self.found).items()
        }  # fmt: skip
        return {
            "target": {"name": cfg.target.name, **self.of.options},
            "whitened": self.of.whitened,
            "metric": cfg.metric or self.of.target.metric,
            "methods": list(cfg.methods),
            **{key: getattr(cfg, key) for key in ("chains", "draws", "warmup", "seeds", "omega", "accept", "tune")},
            **of_methods,
            "warnings": warned,
            "dtype": "float64",
        }


def _number(value: float) -> float | None:
    """What JSON can hold."""
    return value if value == value and abs(value) != float("inf") else None


def _three(values: Iterable[float]) -> list[float | None]:
    """Quartiles."""
    return [_number(value) for value in quartiles(values)]


def _apart(together: Chains, count: int) -> list[Chains]:
    """The chains of each replicate; the time is shared evenly."""
    split = {name: of.chunk(count) for name, of in vars(together).items() if isinstance(of, torch.Tensor)}
    return [
        replace(together, **{name: parts[k] for name, parts in split.items()}, seconds=together.seconds / count)
        for k in range(count)
    ]
