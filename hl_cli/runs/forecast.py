"""task=forecast: variational integrator networks and rivals, trained on windows of a system and let run."""

from __future__ import annotations

import sys
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, cast

from omegaconf import DictConfig, OmegaConf
from tqdm import tqdm

from hl_cli.build.forecast import forecast_of
from hl_cli.config.forecast import Forecast
from hl_cli.dynamics.phase_space import Phase
from hl_cli.errors import BadInput
from hl_cli.forecast.arms import Arm
from hl_cli.forecast.nets import Mechanical
from hl_cli.forecast.study import Result, result_of
from hl_cli.forecast.summary import Summary, summary_of
from hl_cli.forecast.windows import Windows
from hl_cli.replicates.draws import generator_of
from hl_cli.replicates.layers import count
from hl_cli.replicates.standing import Standing
from hl_cli.replicates.training import NotFinite
from hl_cli.reporting import (
    console,
    forecast_energy,
    forecast_motion,
    forecast_report,
    forecast_tables,
)
from hl_cli.runs.task import Done, Plan

FEW = 3  # steps of a dry run


class Forecasting:
    """A comparison, arm by arm."""

    windows: Windows
    truth: Phase

    def __init__(self, cfg: DictConfig) -> None:
        self.cfg = cast(Forecast, cfg)
        self.data, self.arms, self.training = forecast_of(cfg)
        options: Any = OmegaConf.to_container(cfg.system)
        name = options.pop("name")
        self.system = {"name": name, **options}
        self.title = f"Forecast of {name.replace('_', ' ')}"
        self.opening = [f"forecast {name}: {self._seen()}", self._budget(), f"parameters: {self._parameters()}"]
        self.results: list[Result] = []
        self.summaries: list[Summary] = []

    def _seen(self) -> str:
        of = self.data
        return f"{of.trajectories} trajectories of {of.points} points, dt = {of.dt:g}, noise {of.noise:g}"

    def _budget(self) -> str:
        of, train = self.data, self.training
        return (
            f"Each arm: {train.steps:,} steps of up to {train.size} windows of {of.window} points, in each of "
            f"{of.seeds} replicates; then {of.horizon:,} steps from {of.starts} fresh starts."
        )

    def _parameters(self) -> str:
        of, only = self.data, [generator_of(0, 0, "count")]
        drawn = {arm.name: count(arm.net.draw(of.system.n, of.hidden, only)) for arm in self.arms}
        return ", ".join(f"{name} {number:,}" for name, number in drawn.items())

    def _about(self) -> list[str]:
        train, cfg = self.training, self.cfg
        adam = f"Adam, lr {train.lr:g}, of starts {train.start_lr:g}, both on a cosine to 0; clip {train.clip:g}."
        threads = f"{cfg.threads} CPU thread{'s' * (cfg.threads > 1)}"
        return [f"Observed: {self._seen()}.", self._budget(), adam, f"Seed {cfg.seed}; {threads}; {cfg.dtype}."]

    def run(self, standing: Standing) -> None:
        """All arms."""
        self.windows, self.truth = self.data.windows(), self.data.truth()
        total = self.training.steps * len(self.arms)
        with tqdm(total=total, unit="step", disable=None, leave=False, file=sys.stderr, dynamic_ncols=True) as bar:
            standing.tick = bar.update
            for arm in self.arms:
                begin = time.perf_counter()
                bar.set_description(arm.label)
                result = self._trained(arm, standing)
                self.results.append(result)
                self.summaries.append(summary_of(result.scores))
                with bar.external_write_mode():
                    console.say(
                        f"  {arm.label} ({time.perf_counter() - begin:.0f} s)  {self._line(self.summaries[-1])}"
                    )

    def _trained(self, arm: Arm, standing: Standing) -> Result:
        train = self.training
        try:
            return result_of(arm, self.data, train, self.windows, self.truth, standing)
        except NotFinite as error:
            what = "potential" if isinstance(arm.net, Mechanical) else "forecast"
            raise BadInput(
                f"arms={arm.name}: its {what} is not finite in replicate {error.replicate + 1} at step {error.step} of "
                f"{train.steps}; allowed: a smaller lr (now {train.lr:g}) or start_lr (now {train.start_lr:g})"
            ) from None

    def _line(self, of: Summary) -> str:
        names = {"error_near": f"error over {self.data.near} steps", "energy_error": "energy error", "drift": "drift"}
        return ", ".join(f"{words} {of.measures[name][1]:.2g}" for name, words in names.items() if name in of.measures)

    def plan(self) -> Plan:
        """Time a few steps of each arm, and the truth."""
        data, begin = self.data, time.perf_counter()
        windows = data.windows()
        few = replace(data, starts=1, horizon=data.near)
        truth = few.truth()
        drawn, begin = time.perf_counter() - begin, time.perf_counter()
        for arm in self.arms:
            result_of(arm, few, replace(self.training, steps=FEW), windows, truth, Standing())
        train = (time.perf_counter() - begin) * self.training.steps / FEW
        files = {
            "scores.csv": f"{data.seeds * len(self.arms):,} rows",
            "summary.csv": f"{len(self.arms)} rows",
            "forecast.csv": f"{data.horizon + 1:,} rows",
            **({"energy.csv": f"{data.horizon + 1:,} rows", "energy.png": ""} if data.system.conserved else {}),
            "forecast.png": "",
            "phase.png": "",
            **({"potential.png": ""} if data.system.plane and data.system.conserved else {}),
        }
        return Plan(train + drawn * data.horizon / data.near, files)

    def write(self, folder: Path) -> Done:
        """Tables and pictures."""
        data, results, summaries = self.data, self.results, self.summaries
        tables = ["scores.csv", "summary.csv", "forecast.csv"]
        forecast_tables.write_scores(folder, results)
        forecast_tables.write_summary(folder, summaries)
        forecast_tables.write_forecast(folder, results, self.truth, data.dt)
        forecast_motion.draw_forecast(folder, self.title, results, self.truth, data.dt)
        forecast_motion.draw_phase(folder, self.title, results, self.truth, data.system)
        if data.system.conserved:
            tables.append("energy.csv")
            forecast_tables.write_energy(folder, results, data.dt)
            forecast_energy.draw_energy(folder, self.title, results, data.dt)
            forecast_energy.draw_potential(folder, self.title, results, self.windows, data.system)
        headline = "drift" if data.system.conserved else "error_near"
        best = ", ".join(f"{of.arm} {of.measures[headline][1]:.0e}" for of in summaries)
        return Done(
            tuple(tables),
            forecast_tables.table(results, summaries, data.near, data.horizon),
            forecast_report.read(data.system.conserved),
            self._about(),
            forecast_report.sections(folder, results, summaries, data.near, data.horizon, data.system.conserved),
            self._summary(),
            f"{headline} {best}",
        )

    def _summary(self) -> dict[str, Any]:
        data = self.data
        return {
            "system": self.system,
            "arms": [arm.name for arm in self.arms],
            "dt": data.dt,
            "noise": data.noise,
            **{name: getattr(data, name) for name in ("trajectories", "points", "window", "stride", "horizon", "near")},
            **{name: getattr(data, name) for name in ("starts", "hidden", "seeds")},
            "training": asdict(self.training),
            **{of.arm: {"parameters": of.parameters, **of.measures, **of.constants} for of in self.summaries},
            "dtype": self.cfg.dtype,
        }
