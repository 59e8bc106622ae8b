"""A school for signals: each is taught by its description alone, again and again, and then has to be generated.

    .venv/bin/python scripts/signal_school.py                       20 seeds, all settings
    .venv/bin/python scripts/signal_school.py seeds=3 betas=0.01    less

The net is 500 oscillators, h' = R(tau w) h, without input, from h_0 = B d / sum(d); their frequencies w are learnt,
drawn from U(0, 1) rad/s; d is the description, B ~ N(0, 1/16) fixed. A linear readout a description takes all of h to
the value. A description that was not taught takes the row of the nearest one that was, of the smallest number where
several are. Seven signals, three rounds, a lecture of 1,000 ticks each, at whose beginning h and z start anew. The exam
is to generate 1,000 ticks from the description, weights frozen. The eighth signal is never taught.

HL: explicit order, tau .1, phi 1, tau eta = tau eta_z = .2. The controls are zero output, HL with frozen frequencies,
and plain SGD (window 1) at the same effective rate tau^2 phi beta / (tau eta). Expect of HL over 20 seeds .075 at beta
.01 and .074 at beta .03, zero output 1; the controls are as good, so that what is learnt is a readout.
"""

from __future__ import annotations

import statistics
import sys
from dataclasses import dataclass
from time import perf_counter

import numpy as np
import torch
from torch import Tensor, nn

from hl_cli.dynamics.drive import Drive
from hl_cli.dynamics.equivalence import SGD, Coefficients, physics_of
from hl_cli.dynamics.hamiltonian import Costate, State
from hl_cli.dynamics.integrators import explicit_euler, semi_implicit_euler
from hl_cli.errors import NonFinite
from hl_cli.learners.forward import ForwardLearner
from hl_cli.networks.blocks import Block, Pulled, Tape
from hl_cli.networks.losses import squared_error
from hl_cli.networks.splits import Split, one_by_one
from hl_cli.streams.school import DESCRIPTIONS, all_signals
from hl_cli.types import Sample

TAU, FADE, LECTURE, ROUNDS, PAIRS, TAUGHT = 0.1, 0.2, 1000, 3, 500, 7
PASSED = 0.2  # mean squared error of an exam
RUNAWAY = 2.0  # rad/s: frequencies begin below 1, and the signals end at 0.75


class School(nn.Module):
    """frequencies (pairs,), rad/s; readout (taught, 2 pairs); B (2 pairs, 6)."""

    def __init__(self, frozen: bool) -> None:
        super().__init__()
        self.frequencies = nn.Parameter(torch.rand(PAIRS), requires_grad=not frozen)
        self.readout = nn.Parameter(torch.zeros(TAUGHT, 2 * PAIRS))
        self.register_buffer("start", torch.randn(2 * PAIRS, DESCRIPTIONS.shape[1]) / 4)


class Oscillators(Block):
    """h = (q, p) turns by tau w: q' = c q - s p, p' = s q + c p; the tape is h'. No input but h_0."""

    memory = True

    def __init__(self, school: School) -> None:
        super().__init__([school.frequencies] if school.frequencies.requires_grad else [])
        self.school = school

    def start(self) -> None:
        angle = self.school.frequencies * TAU
        self.c, self.s = torch.cos(angle), torch.sin(angle)

    def rest(self, x: Tensor) -> State:
        return ((x / x.sum(1, keepdim=True)) @ self.school.start.t(),)  # type: ignore[operator]

    def record(self, x: Tensor, h: State, want_x: bool = True) -> tuple[State, Tape]:
        q, p = h[0].chunk(2, 1)
        out = torch.cat((self.c * q - self.s * p, self.s * q + self.c * p), 1)
        return (out,), out

    def pull_back(self, tape: Tape, z: Costate, drive: Drive, want_x: bool = True, want_h: bool = True) -> Pulled:
        """dq'/dw = -tau p', dp'/dw = tau q'."""
        assert z[0] is not None
        (z_q, z_p), (q, p) = z[0].chunk(2, 1), tape.chunk(2, 1)
        if self.parameters:
            drive.add(self.parameters[0], ((z_p * q - z_q * p) * TAU).sum(0))
        past = torch.cat((self.c * z_q + self.s * z_p, self.c * z_p - self.s * z_q), 1) if want_h else None
        return Pulled(None, (past,))


class Readout(Block):
    """y = h . readout[row]; row: of the lecture that is on."""

    row = 0

    def __init__(self, school: School) -> None:
        super().__init__([school.readout])
        self.empty = torch.zeros_like(school.readout)

    def record(self, x: Tensor, h: State, want_x: bool = True) -> tuple[State, Tape]:
        row = self.parameters[0][self.row]
        return ((x @ row)[:, None],), (x, row)

    def pull_back(self, tape: Tape, z: Costate, drive: Drive, want_x: bool = True, want_h: bool = True) -> Pulled:
        (x, row), below = tape, z[0]
        assert below is not None
        g = self.empty.clone()
        g[self.row] = (below * x).sum(0)
        drive.add(self.parameters[0], g)
        return Pulled(below * row, ())


@dataclass(frozen=True)
class Setting:
    name: str
    beta: float
    frozen: bool = False
    sgd: bool = False


def pupil(setting: Setting, seed: int) -> tuple[ForwardLearner, School, Readout]:
    torch.manual_seed(seed)
    school = School(setting.frozen)
    readout = Readout(school)
    split = Split(school, [Oscillators(school)], readout, one_by_one, every=True)
    if setting.sgd:
        sgd = physics_of(SGD(TAU**2 * setting.beta / FADE), TAU)
        return ForwardLearner(split, squared_error, sgd, semi_implicit_euler, carry=False), school, readout
    c = Coefficients(TAU, setting.beta, FADE / TAU, 1.0, 1.0)
    return ForwardLearner(split, squared_error, c, explicit_euler, eta_z=FADE / TAU), school, readout


def lectures() -> tuple[Tensor, Tensor]:
    """Descriptions (8, 1, 6), and the signals tick by tick (8, 1000, 1)."""
    values = np.stack([signal.at(np.arange(LECTURE)) for signal in all_signals(TAU)])
    return DESCRIPTIONS.float()[:, None], torch.from_numpy(values).float()


def route(number: int) -> int:
    """The readout row of a signal: its own, or of the nearest taught description, the first where several are."""
    distances = (DESCRIPTIONS[:TAUGHT] - DESCRIPTIONS[number]).abs().sum(1)
    return number if number < TAUGHT else int((distances == distances.min()).nonzero()[0])


def taught(setting: Setting, seed: int) -> tuple[list[float], list[float], float]:
    """Error/power and error of the eight exams, and the largest frequency; infinite where the pupil diverged."""
    learner, school, readout = pupil(setting, seed)
    descriptions, signals = lectures()
    try:
        for number in list(range(TAUGHT)) * ROUNDS:
            readout.row = number
            learner.neurons.restart()
            for tick in range(LECTURE):
                u = descriptions[number][None]
                learner.step(Sample(u, signals[number, tick : tick + 1]))
    except NonFinite:
        return [float("inf")] * 8, [float("inf")] * 8, float(school.frequencies.detach().abs().max())
    errors = []
    for number in range(len(signals)):
        readout.row = route(number)
        learner.reset = "sample"
        y = learner.predict(descriptions[number].expand(LECTURE, -1)[None])
        errors.append(float((y - signals[number]).square().mean()))
    power = signals.square().mean((1, 2)).tolist()
    found = [error / p for error, p in zip(errors, power, strict=True)]
    return found, errors, float(school.frequencies.detach().abs().max())


def main() -> None:
    given = dict(word.split("=", 1) for word in sys.argv[1:])
    seeds, betas = int(given.get("seeds", 20)), [float(b) for b in given.get("betas", "0.01,0.03,1").split(",")]
    torch.set_num_threads(1)
    settings = [
        one
        for beta in betas
        for one in (
            Setting("HL", beta),
            Setting("HL, frozen frequencies", beta, frozen=True),
            Setting("SGD, window 1", beta, sgd=True),
        )
    ]
    signals = lectures()[1]
    power = signals.square().mean((1, 2))
    zero = sum(float(p) <= PASSED for p in power[:TAUGHT])
    print(f"mean over {seeds} seeds; error/power of the taught signals, and of the one that was not")
    print(f"{'':<24} {'beta':>5}  {'taught':>7} {'(sd)':>7} {'held out':>9} {'passed of 7':>12} {'us/tick':>8}")
    print(f"{'zero output':<24} {'':>5}  {1:7.3f} {0:7.3f} {1:9.3f} {zero:12.1f}")
    for setting in settings:
        start = perf_counter()
        runs = [taught(setting, seed) for seed in range(seeds)]
        spent = (perf_counter() - start) / (seeds * TAUGHT * ROUNDS * LECTURE)
        means = [statistics.mean(found[:TAUGHT]) for found, _, _ in runs]
        held_out = statistics.mean(found[TAUGHT] for found, _, _ in runs)
        passed = statistics.mean(sum(e <= PASSED for e in errors[:TAUGHT]) for _, errors, _ in runs)
        away = sum(top > RUNAWAY for _, _, top in runs)
        flag = f"  frequencies ran away in {away} of {seeds}" if away else ""
        sd = statistics.stdev(means) if seeds > 1 and max(means) < float("inf") else 0.0
        print(
            f"{setting.name:<24} {setting.beta:5g}  {statistics.mean(means):7.3f} {sd:7.3f} {held_out:9.3f} "
            f"{passed:12.1f} {spent * 1e6:8.0f}{flag}",
            flush=True,
        )


if __name__ == "__main__":
    main()
