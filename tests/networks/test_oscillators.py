"""Oscillators against autograd's bits and a naive loop; their rest, their readout rows, the exam, and bad input."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Any

import numpy as np
import pytest
import torch

from hl_cli.build import Comparison
from hl_cli.compare.metrics import evaluate
from hl_cli.errors import BadInput
from hl_cli.networks.oscillators import Oscillators, nearest
from hl_cli.streams.school import DESCRIPTIONS, NAMES, SignalSchool, all_signals
from tests.integration.test_matrix import verdict_of

Build = Callable[..., Comparison]
SHORT = ("experiment=signal_school", "stream.lecture=30", "stream.ticks=30", "model.hidden=6")


@pytest.mark.parametrize("frozen", ["true", "false"])
@pytest.mark.parametrize("split", ["output", "state", "state_output"])
def test_identical_over_a_sequence(build: Build, split: str, frozen: str) -> None:
    for dtype, head in (("float32", "null"), ("float64", "[5]")):
        built = build(
            "model=oscillators", f"model.frozen={frozen}", f"split={split}", "stream=digits_rows", f"dtype={dtype}",
            f"model.head={head}", "batch_size=2", "scenario=mom_b", "steps=8",
        )  # fmt: skip
        assert verdict_of(built) == "identical"


@pytest.mark.parametrize("frozen", ["true", "false"])
@pytest.mark.parametrize("split", ["state", "state_output"])
def test_a_row_a_description_is_identical_too(build: Build, split: str, frozen: str) -> None:
    """Truncated BPTT with window 1, from the state of the description in each lecture."""
    built = build(
        "scheme=forward", "scheme.carry=false", "scheme.reset=sample", "stream=signal_school", "stream.lecture=30",
        "stream.ticks=30", "model=oscillators", "model.readout=each", f"model.frozen={frozen}", f"split={split}",
        "scenario=mom_b", "scenario.lr=0.01", "pytorch.window=1", "steps=9",
    )  # fmt: skip
    assert verdict_of(built) == "identical"


def naive(built: Comparison, lectures: int, beta: float) -> tuple[np.ndarray, np.ndarray]:
    """The explicit order for q, p, their costates, frequencies and rows, tau .1, tau eta = tau eta_z = .2, in NumPy."""
    cell: Any = built.pytorch.module.cells[0]  # type: ignore[index, union-attr]
    w, b = cell.frequencies.detach().numpy().copy(), cell.start.numpy()
    n = len(w)
    rows = np.zeros((7, 2 * n))
    omega_w, omega_rows, first = np.zeros(n), np.zeros((7, 2 * n)), True
    for k in range(lectures):
        d = DESCRIPTIONS[k % 7].numpy()
        signal = all_signals(0.1)[k % 7].at(np.arange(30))[:, 0]
        h, z = b @ d / d.sum(), np.zeros(2 * n)
        for t in range(30):
            phi = 10.0 if first else 1.0  # the first step of a momentum
            first = False
            c, s = np.cos(0.1 * w), np.sin(0.1 * w)
            (q, p), (z_q, z_p) = np.split(h, 2), np.split(z, 2)
            later = np.concatenate((c * q - s * p, s * q + c * p))
            error = 2 * (rows[k % 7] @ h - signal[t])
            back = np.concatenate((c * z_q + s * z_p, c * z_p - s * z_q))
            dw = 0.1 * (z_p * later[:n] - z_q * later[n:])
            z = -0.2 * z + back + error * rows[k % 7]
            drive = np.zeros((7, 2 * n))
            drive[k % 7] = error * h
            w, rows = w - 0.1 * beta * omega_w, rows - 0.1 * beta * omega_rows
            omega_w = 0.8 * omega_w + 0.1 * phi * dw
            omega_rows = 0.8 * omega_rows + 0.1 * phi * drive
            h = later
    return w, rows


def test_the_school_is_its_equations(build: Build) -> None:
    """Nine lectures, so that two rows are taught twice."""
    built = build(*SHORT, "dtype=float64", "scenario.beta=0.5")
    cell: Any = built.pytorch.module.cells[0]  # type: ignore[index, union-attr]
    w, rows = naive(built, 9, 0.5)
    for sample in islice(built.stream, 9):
        built.hl.step(sample)
    found = built.hl.weights()
    torch.testing.assert_close(found["cells.0.frequencies"], torch.from_numpy(w), rtol=0, atol=1e-13)
    torch.testing.assert_close(found["head.weight"], torch.from_numpy(rows), rtol=0, atol=1e-13)
    assert float((found["cells.0.frequencies"] - cell.frequencies.detach()).abs().max()) > 1e-4
    assert np.abs(rows).max(1).min() > 1e-3


def test_rest_is_of_the_description_and_zero_where_that_is() -> None:
    cell = Oscillators(3, 4)
    d = torch.tensor([[1.0, 0.0, 3.0], [0.0, 0.0, 0.0], [-1.0, 1.0, 0.0]])
    (h,) = cell.initial_state(d)
    expected = torch.stack((cell.start @ d[0] / 4, torch.zeros(8), cell.start @ d[2] / 2))
    torch.testing.assert_close(h, expected)
    later = cell(torch.full((3, 3), 9.0), h)
    assert torch.equal(later, cell(d, h))  # nothing is seen after it
    torch.testing.assert_close(later.norm(dim=1), h.norm(dim=1))


def test_a_new_description_takes_the_nearest_row_of_the_smallest_number() -> None:
    assert nearest(DESCRIPTIONS, DESCRIPTIONS[:7]).tolist() == [0, 1, 2, 3, 4, 5, 6, 3]
    tied = torch.tensor([[0.1 + 0.2], [0.3]], dtype=torch.float64)  # apart by rounding alone
    assert tied[0] != tied[1]
    assert nearest(torch.zeros(1, 1), tied).tolist() == nearest(torch.zeros(1, 1), tied.flip(0)).tolist() == [0]


def test_only_the_row_of_a_lecture_learns(build: Build) -> None:
    built = build(*SHORT)
    built.hl.step(next(built.stream))
    moved = built.hl.weights()["head.weight"].abs().sum(1)
    assert float(moved[0]) > 0 and not bool(moved[1:].any())


def test_the_exam_is_every_signal_from_its_beginning(build: Build) -> None:
    stream = SignalSchool([0, 5], 40, ticks=20, exam=[5, 7], dtype=torch.float64)
    tasks = stream.held_out_tasks()
    assert list(tasks) == [NAMES[5], NAMES[7]] and stream.period == 2 and stream.current_task() is None
    for number, sample in zip((5, 7), tasks.values(), strict=True):
        expected = torch.from_numpy(all_signals(0.1)[number].at(np.arange(40)))
        torch.testing.assert_close(sample.target, expected)
        assert torch.equal(sample.inputs.flatten(0, 1), DESCRIPTIONS[number].expand(40, 6))
    met = []
    for _ in range(5):
        next(stream)
        met.append(stream.current_task())
    assert met == [NAMES[0]] * 2 + [NAMES[5]] * 2 + [NAMES[0]]
    built = build(*SHORT)
    scores = [evaluate(built.hl, part, built.measure) for part in built.stream.held_out_tasks().values()]
    assert len(scores) == 8 and all(s["power_error"] == 1.0 for s in scores)  # rows of zero say zero


@pytest.mark.parametrize("overrides, said", [
    (("stream=lorenz", "model=oscillators", "model.readout=each"), "model.readout=each .*a stream of one value whose"),
    (("stream=signal_school", "model=oscillators", "model.readout=each", "model.head=[3]"), "and model.head=null"),
    (("stream=signal_school", "stream.exam=[9]", "model=rnn"), r"stream.exam=\[9\]: allowed: "),
    (("stream=signal_school", "stream.exam=[1]", "model=rnn", "batch_size=7"), "batch_size=7: allowed with stream"),
])  # fmt: skip
def test_bad_input(build: Build, overrides: tuple[str, ...], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        build(*overrides)
