"""Bench rows of the signal school: a lecture of HL, eager and compiled, by the same equations as a loop over NumPy.

The loop knows nothing but this net, in complex numbers, h = q + i p and r = exp(i step w):

    h' = r h    zeta' = -tau eta_z zeta + conj(r) zeta + 2 (y - target) W    y = Re(conj(W) h), W the chosen row
    dH/dw = Re(conj(zeta) i step h')    dH/dW = 2 (y - target) h

in the explicit order, all right-hand sides old. Before any time is taken its weights after a lecture are held to HL's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from ratios import build, compare

from hl_cli.build import Comparison
from hl_cli.engine.driver import driver
from hl_cli.types import Sample

LECTURE = 200  # ticks
CHOICE = ("experiment=signal_school", f"stream.lecture={LECTURE}", f"stream.ticks={LECTURE}", "scenario.beta=0.3")
EAGER, COMPILED = 10.0, 0.4  # by NumPy's time
CLOSE = 1e-2  # of weights after a lecture, by the way that they have come: float32, and sums in another order


def complex_row(row: Any) -> Any:
    """(q, p), 2 n numbers, as n complex ones."""
    q, p = np.split(row.numpy(), 2)
    return (q + 1j * p).astype(np.complex64)


class Loop:
    """The net and its HL, of the weights that `built` has."""

    def __init__(self, built: Comparison) -> None:
        learner: Any = built.hl
        cell, self.step = learner.split.state[0].cell, learner.split.state[0].cell.step
        self.cell, c, flow = cell, learner.coefficients, learner.credit.flow
        self.w = cell.frequencies.detach().numpy().copy()
        self.rows = np.stack([complex_row(row) for row in learner.split.module.head.weight.detach()])
        self.start = self.w.copy(), self.rows.copy()
        self.omega_w, self.omega_rows = np.zeros_like(self.w), np.zeros_like(self.rows)
        self.keep, self.decay = np.float32(flow.keep), np.float32(c.decay)
        self.gain, self.velocity = np.float32(c.tau * c.phi), np.float32(c.velocity)

    def lecture(self, sample: Sample) -> None:
        """As a step of credit `forward`."""
        first = sample.inputs[0, :1]
        assert sample.target is not None
        shown = self.cell.initial_state(first)[0][0]
        h, chosen = complex_row(shown[: 2 * len(self.w)]), int(shown[2 * len(self.w) :].argmax())
        zeta = np.zeros_like(h)
        for target in sample.target.view(-1).numpy():
            r = np.exp(np.complex64(1j * self.step) * self.w)
            row = self.rows[chosen]
            error = 2 * (np.vdot(row, h).real - target)
            new = r * h
            drive_w = np.float32(self.step) * (zeta.imag * new.real - zeta.real * new.imag)
            drive_row, below = error * h, error * row
            zeta = self.keep * zeta + np.conj(r) * zeta + below
            h = new
            self.w -= self.velocity * self.omega_w
            self.rows -= self.velocity * self.omega_rows
            self.omega_w *= self.decay
            self.omega_w += self.gain * drive_w
            self.omega_rows *= self.decay
            self.omega_rows[chosen] += self.gain * drive_row


def check(loop: Loop, built: Comparison) -> None:
    """Raise SystemExit unless both have learnt the same."""
    learner: Any = built.hl
    module = learner.split.module
    rows = np.stack([complex_row(row) for row in module.head.weight.detach()])
    for name, ours, theirs, start in (
        ("frequencies", loop.w, loop.cell.frequencies.detach().numpy(), loop.start[0]),
        ("readout", loop.rows, rows, loop.start[1]),
    ):
        apart = np.abs(ours - theirs).max() / np.abs(theirs - start).max()
        if not apart < CLOSE:
            raise SystemExit(f"bench: the NumPy loop is not this net: {name} {apart:.1g} apart")


def school() -> None:
    print("\nA tick of the signal school, 500 oscillators, by a NumPy loop of the same equations")
    kinds: list[tuple[str, float, tuple[str, ...]]] = [("eager", EAGER, ())]
    if driver():
        kinds.append(("engine=compiled", COMPILED, ("engine=compiled",)))
    else:
        print("engine=compiled: not measured, there is no C++ compiler")
    for name, limit, overrides in kinds:
        built = build(*CHOICE, *overrides)
        loop, sample = Loop(built), next(built.stream)
        loop.lecture(sample)
        built.hl.step(sample)
        check(loop, built)
        compare(name, limit, through(built.hl.step, sample), through(loop.lecture, sample), each=LECTURE)


def through(work: Callable[[Sample], object], sample: Sample) -> Callable[[], object]:
    """The work on that sample."""
    return lambda: work(sample)
