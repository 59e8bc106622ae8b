"""The signal school over many seeds, with its controls, in one table: experiment=signal_school again and again.

    .venv/bin/python scripts/signal_school.py                             20 seeds at beta .01 and .03
    .venv/bin/python scripts/signal_school.py seeds=3 betas=1             less; any override: stream.lecture=100

The net is 500 oscillators without input from h_0 = B d / sum |d|, d the description of a signal, and a readout row
for each description (hl_cli.networks.oscillators). Seven signals, three rounds, a lecture of 1,000 ticks each, at
whose beginning h and z start anew. The exam is to generate 1,000 ticks from the description, weights frozen. The eighth
signal is never taught; its description takes the row of the nearest that was, of the smallest number where several are.

HL: explicit order, tau .1, phi 1, tau eta = tau eta_z = .2. The controls are zero output, HL with frozen frequencies,
and plain SGD (window 1) at the same effective rate tau^2 phi beta / (tau eta), which runs here as HL with costates
zeroed before each tick: the same bits (`./scripts/test -k truncated_bptt_with`).
"""

from __future__ import annotations

import statistics
import sys
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import torch
from ratios import build
from words import pairs

from hl_cli import config
from hl_cli.compare.weight_growth import AWAY, rms, scales
from hl_cli.errors import NonFinite

TAU, FADE = 0.1, 0.2  # tau eta, tau eta_z
PASSED = 0.2  # mean squared error of an exam
INFINITE = float("inf")


@dataclass(frozen=True)
class Setting:
    """A row of the table."""

    name: str
    beta: float
    overrides: tuple[str, ...] = ()


@dataclass(frozen=True)
class Marks:
    """errors: of the exams, mean squared; relative: by the power of the signal; growth: of the weights."""

    errors: list[float]
    relative: list[float]
    growth: float


def settings(beta: float) -> list[Setting]:
    """HL and its controls at a beta."""
    lr = TAU**2 * beta / FADE
    sgd = ("scheme.carry=false", "integrator=semi_implicit_euler", f"scenario.lr={lr}", "scenario.beta=null")
    return [
        Setting("HL", beta),
        Setting("HL, frozen frequencies", beta, ("model.frozen=true",)),
        Setting("SGD, window 1", beta, (*sgd, "scenario.eta=null", "scenario.phi=null", "scheme.eta_z=0")),
    ]


def taught(setting: Setting, seed: int, *overrides: str) -> Marks:
    """All lectures, then all exams."""
    built = build(
        "experiment=signal_school", f"seed={seed}", f"scenario.beta={setting.beta}", *overrides, *setting.overrides
    )
    learner: Any = built.hl
    start = scales(learner.weights())
    exam = built.stream.held_out()
    assert exam.target is not None
    true = exam.target.view(len(exam.inputs), -1)
    away = False
    try:
        for _ in range(built.schedule.steps):
            learner.step(next(built.stream))
    except NonFinite:
        away = True
    growth = max(rms([w]) / start[name] for name, w in learner.weights().items())
    if away:
        return Marks([INFINITE] * len(true), [INFINITE] * len(true), growth)
    said = learner.predict(exam.inputs).view_as(true)
    errors = (said - true).square().mean(1)
    return Marks(errors.tolist(), (errors / true.square().mean(1)).tolist(), growth)


def main() -> None:
    given = pairs(__doc__, sys.argv[1:])
    seeds, betas = int(given.pop("seeds", 20)), given.pop("betas", "0.01,0.03")
    overrides = [f"{key}={value}" for key, value in given.items()]
    config.register()
    torch.set_num_threads(1)
    exam = build("experiment=signal_school", *overrides).stream.held_out()
    assert exam.target is not None
    power = exam.target.view(len(exam.inputs), -1).square().mean(1)
    zero = sum(float(p) <= PASSED for p in power[:-1])
    print(
        f"over {seeds} seeds; mean squared error by power of the signals that were taught, and of the one that was not"
    )
    passes = f"passed of {len(power) - 1}"
    print(f"{'':<24} {'beta':>5}  {'taught':>7} {'(sd)':>7} {'held out':>9} {passes:>12} {'seconds':>8}")
    print(f"{'zero output':<24} {'':>5}  {1:7.3f} {0:7.3f} {1:9.3f} {zero:12.1f}")
    for setting in [one for beta in betas.split(",") for one in settings(float(beta))]:
        start = perf_counter()
        runs = [taught(setting, seed, *overrides) for seed in range(seeds)]
        means = [statistics.mean(run.relative[:-1]) for run in runs]
        passed = statistics.mean(sum(e <= PASSED for e in run.errors[:-1]) for run in runs)
        away = [run.growth for run in runs if not run.growth < AWAY]
        flag = f"  weights ran away in {len(away)} of {seeds}, up to {max(away):.3g} times" if away else ""
        sd = statistics.stdev(means) if seeds > 1 and max(means) < INFINITE else 0.0
        print(
            f"{setting.name:<24} {setting.beta:5g}  {statistics.mean(means):7.3f} {sd:7.3f} "
            f"{statistics.mean(run.relative[-1] for run in runs):9.3f} {passed:12.1f} "
            f"{(perf_counter() - start) / seeds:8.1f}{flag}",
            flush=True,
        )


if __name__ == "__main__":
    main()
