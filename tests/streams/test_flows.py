"""Integrated signals: as accurate as they say, bounded for ever, the same again from any sample."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from math import exp, log2, sqrt
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp

from hl_cli.errors import BadInput
from hl_cli.streams import lorenz
from hl_cli.streams.lorenz import Lorenz
from hl_cli.streams.mackey_glass import MackeyGlass
from hl_cli.streams.orbit import without_python
from hl_cli.streams.signals import Signal, SignalStream
from tests import laws

FLOWS: dict[str, Callable[[], Signal]] = {
    "lorenz": lambda: Lorenz(10.0, 28.0, 8 / 3, 0.05),
    "mackey_glass": lambda: MackeyGlass(17.0, 1.0),
}
compiling = pytest.mark.skipif(not (shutil.which("g++") or shutil.which("clang++")), reason="no C++ compiler")
SCALES = np.array([20.0, 25.0, 45.0])


@pytest.mark.parametrize("name", FLOWS)
@pytest.mark.parametrize(("targets", "batch", "horizon"), [("last", 1, 1), ("last", 5, 30), ("all", 1, 5000)])
def test_laws(name: str, targets: str, batch: int, horizon: int) -> None:
    def make() -> SignalStream:
        return SignalStream(FLOWS[name](), 8, horizon, targets, 100, batch)

    laws.stream_is_the_same_again(make, 20)
    for stop in (0, 1, 1000) if name == "lorenz" else (0, 1, 4090, 9000):
        laws.stream_resumes_anywhere(make, stop, 1000)


@pytest.mark.parametrize("name", FLOWS)
def test_a_state_is_plain_and_gives_the_same_values_again(name: str, tmp_path: Path) -> None:
    first, second = FLOWS[name](), FLOWS[name]()
    first.take(777)
    torch.save(first.state_dict(), tmp_path / "state")
    expected = first.take(500)
    second.load_state_dict(torch.load(tmp_path / "state", weights_only=True))
    assert np.array_equal(second.take(500), expected)


@pytest.mark.parametrize("name", FLOWS)
def test_pieces_do_not_matter(name: str) -> None:
    first, second = FLOWS[name](), FLOWS[name]()
    assert np.array_equal(first.take(1000), np.concatenate([second.take(n) for n in (1, 15, 16, 17, 951)]))


@pytest.mark.parametrize(("name", "least", "most"), [("lorenz", -1.3, 1.3), ("mackey_glass", -0.73, 0.57)])
def test_chaos_stays_on_its_attractor(name: str, least: float, most: float) -> None:
    signal = FLOWS[name]()
    pieces = [signal.take(20_000) for _ in range(5)]
    for values in pieces:
        assert np.isfinite(values).all() and values.min() > least and values.max() < most
        assert (values.std(0) > 0.15).all()
    assert not np.allclose(pieces[3], pieces[4])


@pytest.mark.parametrize("name", FLOWS)
def test_two_that_begin_close_go_apart(name: str) -> None:
    first, second = FLOWS[name](), FLOWS[name]()
    ((key, state),) = first.state_dict().items()
    second.load_state_dict({key: [x + 1e-9 for x in state] if name == "lorenz" else state + 1e-9})
    a, b = first.take(10_000), second.take(10_000)
    assert abs(a - b)[:10].max() < 1e-8 and abs(a - b)[-1000:].max() > 0.1


@compiling
@pytest.mark.parametrize("given", [(10.0, 28.0, 8 / 3, 0.1), (100.0, 300.0, 5.0, 0.07), (3.0, 26.5, 1.0, 9.0)])
def test_many_ticks_are_taken_without_python_and_have_the_same_bits(
    given: tuple[float, float, float, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lorenz, "without_python", lambda build: without_python() if build else None)
    monkeypatch.setattr(Lorenz, "MANY", 1000)
    far = Lorenz(*given)
    first, then = far.take(200), far.take(3000)
    assert without_python() is not None
    monkeypatch.setattr(lorenz, "without_python", lambda build: None)
    plain = Lorenz(*given)
    assert np.array_equal(plain.take(200), first)
    again = Lorenz(*given)
    again.load_state_dict(plain.state_dict())
    assert np.array_equal(again.take(3000), then) and again.state_dict() == far.state_dict()


@compiling
def test_what_is_kept_is_used_from_the_first_tick(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def without(build: bool) -> None:
        asked.append(build)

    monkeypatch.setattr(lorenz, "without_python", without)
    monkeypatch.setattr(Lorenz, "MANY", 1000)
    slow = Lorenz(10.0, 28.0, 8 / 3, 0.1)
    expected = slow.take(700)
    assert asked == [False, True]
    assert without_python() is not None
    monkeypatch.setattr(lorenz, "without_python", without_python)
    monkeypatch.setattr(Lorenz, "MANY", 10**9)
    monkeypatch.setattr(Lorenz, "_in_python", None)
    without_python.cache_clear()
    assert np.array_equal(Lorenz(10.0, 28.0, 8 / 3, 0.1).take(700), expected)


def test_without_a_compiler_nothing_is_said_and_the_bits_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = Lorenz(10.0, 28.0, 8 / 3, 0.1).take(500)
    monkeypatch.setattr(Lorenz, "MANY", 0)
    monkeypatch.setenv("CXX", "no-such-compiler")
    without_python.cache_clear()
    try:
        assert np.array_equal(Lorenz(10.0, 28.0, 8 / 3, 0.1).take(500), expected)
        assert without_python() is None
    finally:
        without_python.cache_clear()


def test_lorenz_is_what_a_tight_integrator_says() -> None:
    signal = Lorenz(10.0, 28.0, 8 / 3, 0.1)
    x, y, z = signal.take(20)[-1] * SCALES
    said = solve_ivp(
        lambda _, s: [10 * (s[1] - s[0]), s[0] * (28 - s[2]) - s[1], s[0] * s[1] - 8 / 3 * s[2]],
        (0, 2), [x, y, z], "DOP853", np.arange(1, 21) / 10, rtol=1e-13, atol=1e-13,
    )  # fmt: skip
    error = abs(signal.take(20) - said.y.T / SCALES).max(1)
    assert error[4] < 1e-8 and error[-1] < 1e-7


def test_a_tick_of_lorenz_is_exact_to_eight_digits() -> None:
    """At many places of the attractor, in its own units, which are some tens."""
    signal = Lorenz(10.0, 28.0, 8 / 3, 0.05)
    for _ in range(50):
        point = signal.state_dict()["point"]
        said = solve_ivp(
            lambda _, s: [10 * (s[1] - s[0]), s[0] * (28 - s[2]) - s[1], s[0] * s[1] - 8 / 3 * s[2]],
            (0, 0.05), point, "DOP853", rtol=1e-13, atol=1e-13,
        ).y[:, -1]  # fmt: skip
        np.testing.assert_allclose(signal.take(1)[-1] * SCALES, said, rtol=0, atol=1e-8)
        signal.take(11)


def test_lorenz_converges_with_order_14(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Lorenz, "LONGEST", 0.2)  # coarse enough that round-off does not show

    def end(parts: int) -> np.ndarray:
        signal = Lorenz(10.0, 28.0, 8 / 3, 0.8 / parts)
        signal.load_state_dict({"point": [-5.0, -7.0, 20.0]})
        return signal.take(parts)[-1]

    errors = [abs(end(parts) - end(64)).max() for parts in (8, 16)]
    assert 13 < log2(errors[0] / errors[1]) < 17


def test_lorenz_rests_where_it_should_and_keeps_its_mean() -> None:
    signal = Lorenz(10.0, 28.0, 8 / 3, 0.05)
    point = [sqrt(72.0), sqrt(72.0), 27.0]
    values = signal.take(100_000) * SCALES
    assert values[:, 2].mean() == pytest.approx(23.55, abs=0.1) and abs(values[:, 0].mean()) < 0.5
    signal.load_state_dict({"point": point})
    np.testing.assert_allclose(signal.take(10) * SCALES, [point] * 10, rtol=1e-12)


@pytest.mark.parametrize(
    "parameters", [(990.0, 5.0, 1.0), (5.0, 990.0, 1.0), (10.0, 28.0, 900.0), (330.0, 330.0, 330.0)]
)
def test_lorenz_is_finite_where_it_is_fast(parameters: tuple[float, float, float]) -> None:
    assert np.isfinite(Lorenz(*parameters, 0.1).take(500)).all()


def test_mackey_glass_for_one_delay_of_a_constant_past() -> None:
    signal = MackeyGlass(17.0, 0.1)
    signal.load_state_dict({"past": torch.full((172,), 0.8, dtype=torch.float64)})
    still = 2 * 0.8 / (1 + 0.8**10)
    expected = [still + (0.8 - still) * exp(-0.01 * n) for n in range(1, 169)]
    np.testing.assert_allclose(signal.take(168)[:, 0] + 0.93, expected, rtol=1e-9)


def test_mackey_glass_converges_with_order_4() -> None:
    """From a smooth past, the path that a fine one has come to; over two delays."""
    fine = MackeyGlass(17.0, 0.1 / 16)
    past = fine.take(2800)[:, 0] + 0.93
    fine.load_state_dict({"past": torch.from_numpy(past[-(17 * 160 + 2) :])})
    end = fine.take(34 * 160)[-1, 0]
    errors = []
    for every in (16, 8, 4):
        signal = MackeyGlass(17.0, 0.1 * every / 16)
        signal.load_state_dict({"past": torch.from_numpy(past[::-1][::every][: 17 * 160 // every + 2][::-1].copy())})
        errors.append(abs(signal.take(34 * 160 // every)[-1, 0] - end))
    assert abs(log2(errors[0] / errors[2]) / 2 - 4) < 0.1


class Early(MackeyGlass):
    """From the end of the fourth delay on."""

    BEGIN = 0.0


@pytest.mark.parametrize(("delay", "steps"), [(17.0, (0.1, 0.05, 0.025)), (2.0, (0.1, 0.05, 0.025))])
def test_mackey_glass_from_its_own_start_is_what_the_method_of_steps_says(
    delay: float, steps: tuple[float, ...]
) -> None:
    """One delay after the other, each an ordinary equation solved densely by another integrator."""
    past: Callable[[float], float] = lambda _: 1.2  # noqa: E731
    x = 1.2
    for k in range(5):
        found = solve_ivp(
            lambda t, y, d=past: [0.2 * d(t - delay) / (1 + d(t - delay) ** 10) - 0.1 * y[0]],
            (k * delay, (k + 1) * delay), [x], "DOP853", dense_output=True, rtol=1e-12, atol=1e-12,
        )  # fmt: skip
        x, past = found.y[0, -1], lambda t, sol=found.sol: float(sol(t)[0])  # type: ignore[misc]
    said = np.array([past(4 * delay + j * delay / 10) for j in range(1, 11)])
    errors = []
    for step in steps:
        values = Early(delay, step).take(round(delay / step))[:, 0] + 0.93
        errors.append(abs(values[round(delay / step / 10) - 1 :: round(delay / step / 10)] - said).max())
    assert abs(log2(errors[0] / errors[2]) / 2 - 4) < 0.3 and errors[0] < 1e-6


def test_mackey_glass_with_a_delay_longer_than_its_start() -> None:
    values = MackeyGlass(400.0, 1.0).take(1000)
    assert np.isfinite(values).all() and values.std() > 0.05


def test_mackey_glass_is_the_same_path_whatever_the_tick() -> None:
    slow, quick = MackeyGlass(17.0, 1.0).take(100), MackeyGlass(17.0, 0.1).take(1000)
    assert np.array_equal(slow, quick[9::10])
    for delay, step in ((17.05, 0.1), (0.3, 0.2), (30.0, 7.5)):
        assert np.isfinite(MackeyGlass(delay, step).take(200)).all()


def test_bad_input() -> None:
    for delay, step in ((3.14159265, 0.1), (17.0, 0.0005), (17.0, 1 / 3)):
        with pytest.raises(BadInput, match=rf"stream.delay={delay}: no inner step .* stream.step={step}; allowed"):
            MackeyGlass(delay, step)
    for make in (lambda: Lorenz(10.0, 28.0, 8 / 3, 101.0), lambda: MackeyGlass(17.0, 101.0)):
        with pytest.raises(BadInput, match=r"stream.step=101.0: allowed: at most 100 time units"):
            make()
    with pytest.raises(BadInput, match=r"stream.sigma=10.0, stream.rho=1000.0, .* allowed: a sum of at most 1000"):
        Lorenz(10.0, 1000.0, 1.0, 0.1)
