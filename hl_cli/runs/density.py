"""task=density: Neural Hamiltonian Flow, RealNVP and a Gaussian mixture on the same points."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from omegaconf import DictConfig, OmegaConf
from tqdm import tqdm

from hl_cli.build.density import density_of
from hl_cli.config.density import Density
from hl_cli.density.arms import Arm, parameters, width
from hl_cli.density.energy_distance import energy_distance
from hl_cli.density.found import FoundFlow
from hl_cli.density.study import Result, result_of
from hl_cli.density.summary import Summary, summary_of
from hl_cli.errors import BadInput
from hl_cli.replicates.standing import Standing
from hl_cli.replicates.training import NotFinite
from hl_cli.reporting import console, density_film, density_pictures, density_report, density_tables
from hl_cli.reporting.density_tables import Real
from hl_cli.runs.task import Done, Plan

FEW = 3  # steps of a dry run


class Densities:
    """A comparison, arm by arm."""

    real: Real

    def __init__(self, cfg: DictConfig) -> None:
        self.cfg = cast(Density, cfg)
        self.setting, self.arms, self.training, self.grid = density_of(cfg)
        options: Any = OmegaConf.to_container(cfg.data)
        self.options = {str(key): value for key, value in options.items()}
        self.title = f"Density of {self.options['name']}"
        self.opening = [
            f"density of {self.options['name']}: {self._seen()}", self._budget(), f"parameters: {self._parameters()}"
        ]  # fmt: skip
        self.results: list[Result] = []
        self.summaries: list[Summary] = []

    def _seen(self) -> str:
        parts = self.setting.parts[0]
        train, apart, held_out = len(parts.train), len(parts.apart), len(parts.held_out)
        return (
            f"{self.setting.data.origin}; {train:,} points to train with, {apart:,} kept apart, {held_out:,} held out"
        )

    def _budget(self) -> str:
        cfg, of = self.cfg, self.setting
        search = f"; before that {cfg.tune_steps:,} with each of {len(of.rates)} rates" if len(of.rates) > 1 else ""
        return f"Each flow: {cfg.steps:,} steps of {cfg.batch_size} points, in each of {cfg.seeds} replicates{search}."

    def _parameters(self) -> str:
        n, most = self.setting.data.n, self.setting.most
        flows = [(arm.name, arm.flow) for arm in self.arms if arm.flow is not None]
        return (
            ", ".join(f"{name} {parameters(flow, n, width(flow, n, most)):,}" for name, flow in flows) or "of gmm alone"
        )

    @property
    def _steps(self) -> int:
        """Of all flows together, those of the search too."""
        search = self.cfg.tune_steps * len(self.setting.rates) if len(self.setting.rates) > 1 else 0
        return (self.training.steps + search) * sum(arm.flow is not None for arm in self.arms)

    def run(self, standing: Standing) -> None:
        """All arms."""
        held_out, sample = self.setting.judged()
        self.real = self.setting.truth(), energy_distance(sample, held_out).tolist()
        with tqdm(
            total=self._steps, unit="step", disable=None, leave=False, file=sys.stderr, dynamic_ncols=True
        ) as bar:
            standing.tick = bar.update
            for arm in self.arms:
                begin = time.perf_counter()
                bar.set_description(arm.label)
                result = self._trained(arm, standing)
                self.results.append(result)
                self.summaries.append(summary_of(result.scores))
                with bar.external_write_mode():
                    took = time.perf_counter() - begin
                    console.say(f"  {arm.label} ({took:.0f} s)  {self._line(arm, self.summaries[-1])}")

    def _trained(self, arm: Arm, standing: Standing) -> Result:
        try:
            return result_of(arm, self.setting, self.training, standing)
        except NotFinite as error:
            raise BadInput(
                f"arms={arm.name}: its likelihood is not finite in replicate {error.replicate + 1} at step "
                f"{error.step} of {self.training.steps}; allowed: smaller rates (now {list(self.setting.rates)})"
            ) from None

    def _line(self, arm: Arm, of: Summary) -> str:
        what = f"bound of {self.setting.bound_samples}" if arm.flow is not None and arm.flow.momentum else "log p"
        return f"{what} {of.measures['bound'][1]:.3f}, energy distance {of.measures['energy_distance'][1]:.2g}"

    def plan(self) -> Plan:
        """Time a few steps of each arm, and a part of the judging."""
        of, begin = self.setting, time.perf_counter()
        few = replace(of, bound_samples=min(FEW, of.bound_samples), rates=of.rates[:1])
        for arm in self.arms:
            result_of(arm, few, replace(self.training, steps=FEW), Standing())
        seconds = (time.perf_counter() - begin) * self._steps / FEW / max(1, len(self.arms))
        tuned = len(of.rates) > 1
        flows = [arm for arm in self.arms if arm.flow is not None]
        files = {
            "scores.csv": f"{of.seeds * (len(self.arms) + 1):,} rows",
            "summary.csv": f"{len(self.arms)} rows",
            "samples.csv": f"{of.drawn * (len(self.arms) + 1):,} rows",
            **({"training.csv": "", "training.png": "", "film.png": ""} if flows else {}),
            **({"tuning.csv": f"{len(of.rates) * len(flows)} rows"} if tuned and flows else {}),
            "samples.png": "",
            **({"density.png": f"{self.grid} x {self.grid}"} if self.grid else {}),
        }
        return Plan(seconds, files)

    def write(self, folder: Path) -> Done:
        """Tables and pictures."""
        of, results, summaries = self.setting, self.results, self.summaries
        tables = ["scores.csv", "summary.csv", "samples.csv"]
        density_tables.write_scores(folder, results, self.real)
        density_tables.write_summary(folder, summaries)
        density_tables.write_samples(folder, results, of.judged()[0])
        flows = [result for result in results if isinstance(result.found, FoundFlow)]
        if flows:
            tables.append("training.csv")
            density_tables.write_training(folder, flows)
            density_pictures.draw_training(folder, self.title, flows, self.real[0])
            if of.data.n > 1:
                density_film.draw_film(folder, self.title, of, flows)
        if any(result.tried for result in flows):
            tables.append("tuning.csv")
            density_tables.write_tuning(folder, flows)
        density_pictures.draw_samples(folder, self.title, of, results)
        if self.grid:
            density_pictures.draw_density(folder, self.title, of, results, self.grid, self.cfg.grid_samples)
            density_film.draw_potential(folder, self.title, of, results)
        if of.parts[0].pictures:
            density_pictures.draw_digits(folder, self.title, of, results)
        shown = density_tables.table(results, summaries, self.real, of.bound_samples)
        best = ", ".join(f"{one.arm} {one.measures['bound'][1]:.2f}" for one in summaries)
        return Done(
            tuple(tables), shown, density_report.words(results), self._about(),
            density_report.sections(folder, results, shown), self._summary(), f"log p or its bound {best}",
        )  # fmt: skip

    def _about(self) -> list[str]:
        cfg, of = self.cfg, self.setting
        threads = f"{cfg.threads} CPU thread{'s' * (cfg.threads > 1)}"
        rates = ", ".join(f"{lr:g}" for lr in of.rates)
        adam = f"Adam, lr {rates}, on a cosine to 0; clip {cfg.clip:g}; flows of {self._parameters()} parameters."
        seed = f"Seed {cfg.seed}; {threads}; {cfg.dtype}, checks of flows in float64."
        return [f"Points: {self._seen()}.", self._budget(), adam, seed, density_report.TIMELESS]

    def _summary(self) -> dict[str, Any]:
        cfg, of = self.cfg, self.setting
        return {
            "data": self.options,
            "arms": [arm.name for arm in self.arms],
            **{
                name: getattr(cfg, name)
                for name in ("steps", "batch_size", "tune_steps", "clip", "bound_samples", "seeds")
            },
            "rates": list(of.rates),
            "samples": of.drawn,
            "truth": self.real[0],
            "energy_distance_of_real": self.real[1],
            **{one.arm: {"parameters": one.parameters, "lr": one.lr, **one.measures} for one in self.summaries},
            "dtype": cfg.dtype,
        }
