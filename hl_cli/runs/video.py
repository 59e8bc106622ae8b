"""task=video: a Hamiltonian generative network and rivals, trained on frames, and rolled out."""

from __future__ import annotations

import sys
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, cast

from omegaconf import DictConfig, OmegaConf
from tqdm import tqdm

from hl_cli.build.video import video_of
from hl_cli.config.video import Video
from hl_cli.errors import BadInput
from hl_cli.replicates.draws import generator_of
from hl_cli.replicates.layers import count
from hl_cli.replicates.standing import Standing
from hl_cli.replicates.training import NotFinite
from hl_cli.reporting import console, video_energy, video_errors, video_report, video_strips, video_tables
from hl_cli.runs.task import Done, Plan
from hl_cli.video.arms import Arm
from hl_cli.video.model import Model
from hl_cli.video.rollouts import Truth
from hl_cli.video.study import Result, result_of
from hl_cli.video.summary import Summary, summary_of

FEW = 3  # steps of a dry run


class Filming:
    """A comparison, arm by arm."""

    truth: Truth

    def __init__(self, cfg: DictConfig) -> None:
        self.cfg = cast(Video, cfg)
        self.data, self.arms, self.training = video_of(cfg)
        options: Any = OmegaConf.to_container(cfg.scene)
        name = options.pop("name")
        self.scene = {"name": name, **options}
        self.title = f"Video of {name.replace('_', ' ')}"
        self.opening = [f"video {name}: {self._seen()}", self._budget(), f"parameters: {self._parameters()}"]
        self.results: list[Result] = []
        self.summaries: list[Summary] = []

    def _seen(self) -> str:
        of = self.data
        return (
            f"{of.videos:,} videos of {of.frames} frames of {of.size} x {of.size}, dt = {of.dt:g}; the encoder sees "
            f"the first {of.sizes.shown}"
        )

    def _budget(self) -> str:
        of, train = self.data, self.training
        back = f" and {of.back} back" if of.back else ""
        each = f"{min(train.size, of.videos)} videos, {of.seeds} replicate{'s' * (of.seeds > 1)}"
        return (
            f"Each arm: {train.steps:,} steps of {each}; then {of.horizon} frames ahead{back}, on {of.judged} "
            "fresh videos."
        )

    def _parameters(self) -> str:
        only = [generator_of(0, 0, "count")]
        drawn = {arm.name: count(Model(arm.latent, self.data.sizes).draw(only)) for arm in self.arms}
        return ", ".join(f"{name} {number:,}" for name, number in drawn.items())

    def _about(self) -> list[str]:
        train, cfg = self.training, self.cfg
        adam = f"Adam, lr {train.lr:g} on a cosine to 0; clip {train.clip:g}; KL weight {train.divergence:g}."
        threads = f"{cfg.threads} CPU thread{'s' * (cfg.threads > 1)}"
        where = threads if cfg.device == "cpu" else cfg.device
        return [
            f"Seen: {self._seen()}.",
            self._budget(),
            f"{adam} Nothing here learns over time.",
            f"Seed {cfg.seed}; {where}; {cfg.dtype}.",
        ]

    def run(self, standing: Standing) -> None:
        """All arms."""
        videos, self.truth = self.data.training(), self.data.truth()
        total = self.training.steps * len(self.arms)
        with tqdm(total=total, unit="step", disable=None, leave=False, file=sys.stderr, dynamic_ncols=True) as bar:
            standing.tick = bar.update
            for arm in self.arms:
                begin = time.perf_counter()
                bar.set_description(arm.label)
                try:
                    result = result_of(arm, self.data, self.training, videos, self.truth, standing)
                except NotFinite as error:
                    raise self._lost(arm, error) from None
                self.results.append(result)
                self.summaries.append(summary_of(result.scores))
                with bar.external_write_mode():
                    console.say(
                        f"  {arm.label} ({time.perf_counter() - begin:.0f} s)  {self._line(self.summaries[-1])}"
                    )

    def _lost(self, arm: Arm, error: NotFinite) -> BadInput:
        train = self.training
        return BadInput(
            f"arms={arm.name}: its loss is not finite in replicate {error.replicate + 1} at step {error.step} of "
            f"{train.steps}; allowed: a smaller lr (now {train.lr:g}) or clip (now {train.clip:g})"
        )

    def _line(self, of: Summary) -> str:
        names = ("within", "beyond", "backward")
        return "error " + ", ".join(f"{name} {of.measures[name][1]:.2g}" for name in names if name in of.measures)

    def plan(self) -> Plan:
        """Time a few steps of each arm, and the frames."""
        data, begin = self.data, time.perf_counter()
        videos = data.training()
        truth = data.truth()
        drawn, begin = time.perf_counter() - begin, time.perf_counter()
        for arm in self.arms:
            result_of(arm, data, replace(self.training, steps=FEW), videos, truth, Standing())
        train = (time.perf_counter() - begin) * self.training.steps / FEW
        learnt = any(arm.name == "hamiltonian" for arm in self.arms)
        files = {
            "scores.csv": f"{data.seeds * len(self.arms):,} rows",
            "summary.csv": f"{len(self.arms)} rows",
            "frames.csv": f"{data.back + data.horizon:,} rows",
            "training.csv": f"{self.training.steps:,} rows",
            **({"energy.csv": f"{data.back + data.horizon:,} rows"} if learnt else {}),
            **{f"{name}.png": "" for name in ("film", "speeds", "samples", "errors", "training")},
            **({"energy.png": "", "phase.png": ""} if learnt else {}),
        }
        return Plan(train + drawn, files)

    def write(self, folder: Path) -> Done:
        """Tables and pictures."""
        data, results, summaries = self.data, self.results, self.summaries
        tables = ["scores.csv", "summary.csv", "frames.csv", "training.csv"]
        video_tables.write_scores(folder, results)
        video_tables.write_summary(folder, summaries)
        video_tables.write_frames(folder, results, self.truth)
        video_tables.write_training(folder, results)
        video_strips.draw_film(folder, self.title, results, self.truth, data.size)
        video_strips.draw_speeds(folder, self.title, results, self.truth, data.size)
        video_strips.draw_samples(folder, self.title, results, data)
        video_errors.draw_errors(folder, self.title, results, self.truth)
        video_errors.draw_training(folder, self.title, results)
        if video_energy.draw_all(folder, self.title, results, self.truth):
            tables.append("energy.csv")
            video_tables.write_energy(folder, results)
        shown = "backward" if data.back else "within"
        best = ", ".join(f"{of.arm} {of.measures[shown][1]:.2g}" for of in summaries if shown in of.measures)
        return Done(
            tuple(tables),
            video_tables.table(results, summaries),
            video_report.READ,
            self._about(),
            video_report.sections(folder, results, summaries),
            self._summary(),
            f"{shown} {best}",
        )

    def _summary(self) -> dict[str, Any]:
        data = self.data
        return {
            "scene": self.scene,
            "arms": [arm.name for arm in self.arms],
            **{name: getattr(data, name) for name in ("dt", "size", "videos", "frames", "judged", "back", "horizon")},
            **{name: getattr(data.sizes, name) for name in ("shown", "code", "hidden", "units")},
            "positions": data.sizes.n,
            "seeds": data.seeds,
            "training": asdict(self.training),
            **{of.arm: {"parameters": of.parameters, **of.measures} for of in self.summaries},
            "dtype": self.cfg.dtype,
        }
