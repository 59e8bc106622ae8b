"""Signals in closed form: exact at any tick, held out from the beginning, the same again from any sample."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from io import BytesIO
from itertools import islice
from math import cos, pi, sin, sqrt
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from hl_cli.errors import BadInput
from hl_cli.streams.closed_form import ClosedForm, phase, turns
from hl_cli.streams.signals import SignalStream
from hl_cli.streams.swings import MassSpring, Pendulum
from hl_cli.streams.waves import Sine, Square
from hl_cli.types import Sample, Task
from tests import laws
from tests.bits import same

SIGNALS: dict[str, Callable[[], ClosedForm]] = {
    "sine": lambda: Sine([0.11, 0.07, 0.05], [0.8, 0.16, 0.16], 0.1),
    "square": lambda: Square(0.06, 1.0, 0.1),
    "mass_spring": lambda: MassSpring(0.1, 1.5, 0.1),
    "pendulum": lambda: Pendulum(0.1, 2.0, 0.1),
}
WHERE = [0, 1, 4999, 5000, 123_456_789, 10**12 - 1, 10**12]


def saved(state: dict[str, Any]) -> BytesIO:
    file = BytesIO()
    torch.save(state, file)
    file.seek(0)
    return file


@pytest.mark.parametrize("name", SIGNALS)
@pytest.mark.parametrize("targets", ["last", "all"])
@pytest.mark.parametrize(("batch", "ticks", "horizon"), [(1, 16, 1), (7, 3, 5), (1, 5000, 6000)])
def test_laws(name: str, targets: str, batch: int, ticks: int, horizon: int) -> None:
    def make() -> SignalStream:
        return SignalStream(SIGNALS[name](), ticks, horizon, targets, held_out=3, batch_size=batch)

    laws.stream_is_the_same_again(make, 20)
    for stop in (0, 1, 4083, 5000) if ticks < 100 and name == "sine" else (0, 3):
        laws.stream_resumes_anywhere(make, stop, 10)
    assert torch.load(saved(make().state_dict()), weights_only=True) == make().state_dict()


def test_a_target_is_the_value_the_horizon_ahead_and_the_baseline_the_value_now() -> None:
    signal = SIGNALS["mass_spring"]()
    values = torch.from_numpy(signal.at(np.arange(20_000)))
    stream = SignalStream(SIGNALS["mass_spring"](), 4, 3, "last", held_out=5, dtype=torch.float64)
    assert (stream.task, stream.ticks, stream.features) == (Task("values", 2), 4, 2)

    def check(sample: Sample, start: int) -> None:
        assert torch.equal(
            sample.inputs, torch.stack([values[start + k : start + k + 4] for k in range(len(sample.inputs))])
        )
        end = start + 3 + len(sample.inputs)
        assert sample.baseline is not None and torch.equal(sample.baseline, values[start + 3 : end])
        assert sample.target is not None and torch.equal(sample.target, values[start + 6 : end + 3])

    check(stream.held_out(), 0)
    for k, sample in enumerate(islice(stream, 10_000)):
        check(sample, 11 + k)  # the last held-out sample asks for tick 4 + 3 + 3


def test_a_stream_goes_back_to_where_it_was() -> None:
    stream = SignalStream(SIGNALS["sine"](), batch_size=1000)
    next(stream)
    state = stream.state_dict()
    then = [*islice(stream, 10)]
    stream.load_state_dict(state)
    assert all(same(a, b) for a, b in zip(then, islice(stream, 10), strict=True))


def test_where_every_tick_counts_each_counts_once() -> None:
    signal = SIGNALS["sine"]()
    values = torch.from_numpy(signal.at(np.arange(20_000)))
    stream = SignalStream(SIGNALS["sine"](), 4, 3, "all", held_out=5, batch_size=2, dtype=torch.float64)
    assert torch.equal(stream.held_out().inputs.flatten(), values[:20].flatten())
    samples = [*islice(stream, 2000)]
    assert torch.equal(torch.cat([s.inputs.flatten() for s in samples]), values[23:16_023].flatten())
    assert torch.equal(torch.cat([s.target for s in samples]), values[26:16_026])


@given(st.integers(0, 2**62), st.integers(1, 2**40), st.integers(1, 2**40))
def test_the_phase_is_exact(tick: int, p: int, q: int) -> None:
    rate = Fraction(p, q)
    (c,) = phase(np.array([tick]), rate)
    assert Fraction(int(c), rate.denominator) == tick * rate % 1


@given(st.integers(1, 10**7), st.integers(1, 10**7), st.floats(1e-5, 1e3), st.floats(1e-5, 1e3))
def test_the_rate_is_that_of_the_decimals(a: int, b: int, frequency: float, step: float) -> None:
    assert turns("frequency", a / 10**6, b / 10**6) == Fraction(a * b, 10**12)
    exact = Fraction(str(frequency)) * Fraction(str(step))
    assert abs(turns("frequency", frequency, step) - exact) <= exact / 2**40


def test_sines_at_far_ticks() -> None:
    values = SIGNALS["sine"]().at(np.array(WHERE))[:, 0]
    for value, tick in zip(values, WHERE, strict=True):
        hundredths = [tick * f % 1000 / 1000 for f in (11, 7, 5)]  # turns, of 0.11 Hz x 0.1 s and so on
        assert value == pytest.approx(
            sum(a * sin(2 * pi * p) for a, p in zip((0.8, 0.16, 0.16), hundredths, strict=True))
        )


@pytest.mark.parametrize("start", [0, 10**12])
def test_square_edges_do_not_depend_on_rounding(start: int) -> None:
    ticks = start + np.arange(5000)  # 30 periods at 3/500 turns a tick
    up = np.array([tick * 3 % 500 < 250 for tick in ticks.tolist()])
    assert np.array_equal(Square(0.06, 0.5, 0.1).at(ticks)[:, 0], np.where(up, 0.5, -0.5)) and up.sum() == 2500
    assert Square(0.05, 1.0, 0.1).at(np.array([start, start + 100, start + 200])).tolist() == [[1.0], [-1.0], [1.0]]


def test_a_mass_on_a_spring_keeps_its_energy_and_its_equation() -> None:
    x, v = MassSpring(0.1, 1.5, 0.001).at(np.arange(1_000_000)).T
    w = 0.2 * pi
    energy = v**2 + (w * x) ** 2
    assert np.ptp(energy) < 1e-12 * energy[0] and energy[0] == pytest.approx((1.5 * w) ** 2)
    np.testing.assert_allclose((x[2:] - x[:-2]) / 0.002, v[1:-1], atol=1e-6)
    assert (x[0], v[0]) == (1.5, 0.0)


@pytest.mark.parametrize("angle", [0.01, 2.0, 3.0, 3.1415])
def test_a_pendulum_keeps_its_energy(angle: float) -> None:
    pendulum = Pendulum(0.1, angle, 0.1)
    y, v = np.concatenate([pendulum.take(100_000) for _ in range(10)]).T
    energy = v**2 / 2 + 2 * (0.2 * pi * np.sin(y / 2)) ** 2
    assert np.ptp(energy) < 1e-6 * energy[0]
    assert energy[0] == pytest.approx(2 * (0.2 * pi * sin(angle / 2)) ** 2) and y.min() < -0.99 * angle


def test_a_pendulum_swings_as_an_integrator_says() -> None:
    pull = (0.2 * pi) ** 2
    times = np.arange(200) * 0.1
    said = solve_ivp(
        lambda _, s: [s[1], -pull * sin(s[0])], (0, 20), [2.0, 0.0], "DOP853", times, rtol=1e-12, atol=1e-12
    )
    np.testing.assert_allclose(SIGNALS["pendulum"]().at(np.arange(200)), said.y.T, atol=1e-9)


def test_the_period_of_a_pendulum_is_that_of_the_arithmetic_geometric_mean() -> None:
    a, b = 1.0, cos(1.0)
    for _ in range(8):
        a, b = (a + b) / 2, sqrt(a * b)
    signal = Pendulum(0.1, 2.0, 10 / a / 1000)  # a thousandth of the period 1 / (f agm(1, cos(angle / 2)))
    assert signal.at(np.array([1000 * 10**6]))[0, 0] == pytest.approx(2.0, abs=1e-9)
    assert signal.at(np.array([500]))[0, 0] == pytest.approx(-2.0)
    assert signal.at(np.array([250]))[0, 0] == pytest.approx(0.0, abs=1e-9)


def test_bad_input() -> None:
    with pytest.raises(BadInput, match=r"stream.frequencies=\[0.1\], stream.amplitudes=\[1.0, 2.0\]: 1 and 2 numbers"):
        Sine([0.1], [1.0, 2.0], 0.1)
    with pytest.raises(BadInput, match="at least one of each"):
        Sine([], [], 0.1)
    with pytest.raises(BadInput, match=r"stream.angle=3.1416: allowed: above 0, at most 3.1415 radians"):
        Pendulum(0.1, 3.1416, 0.1)
    with pytest.raises(BadInput, match=r"stream.frequency=1e-20: too slow for stream.step=0.1"):
        Square(1e-20, 1.0, 0.1)


def test_what_a_report_says() -> None:
    about = SignalStream(SIGNALS["sine"]()).describe()
    assert about.origin == (
        "generated: sum of a sin(2 pi f t), f = [0.11, 0.07, 0.05] Hz, a = [0.8, 0.16, 0.16], step 0.1"
    )
    assert (about.name, about.licence, about.train_samples, about.held_out_samples) == (
        "sine",
        "none needed",
        None,
        1000,
    )


def test_a_blind_stream_gives_the_same_targets_and_no_input() -> None:
    seen, blind = (SignalStream(Sine([0.1], [1.0], 0.25), ticks=3, blind=b) for b in (False, True))
    for a, b in islice(zip(seen, blind, strict=True), 5000):
        assert torch.equal(a.target, b.target) and torch.equal(a.baseline, b.baseline)
        assert bool(a.inputs.any()) and not bool(b.inputs.any())
    assert not bool(blind.held_out().inputs.any())


@pytest.mark.parametrize("start", [0, 95, 10**12])
def test_a_patched_sine_is_constant_in_each_second_stretch(start: int) -> None:
    ticks = np.arange(start, start + 400)
    whole = Sine([0.11], [0.8], 0.1).at(ticks)
    patched = Sine([0.11], [0.8], 0.1, patch=100, constant=-0.25).at(ticks)
    for tick, value, true in zip(ticks.tolist(), patched[:, 0], whole[:, 0], strict=True):
        assert value == (-0.25 if tick // 100 % 2 else true)
