"""The signal school: eight signals in turn, described and never shown."""

from __future__ import annotations

from itertools import islice
from math import floor, pi, sin

import pytest
import torch

from hl_cli.errors import BadInput
from hl_cli.streams.school import SignalSchool
from hl_cli.types import Task
from tests import laws

SINES = [(0.8, 0.16, 0.16), (0.4, 0.08, 0.08), (0.16, 0.16, 0.8), (0.08, 0.08, 0.4)]
SQUARES = [(1.0, 0.06), (0.5, 0.06), (1.0, 0.03), (0.5, 0.03)]
SAID = [
    [1, 0, 1, 0, 1, 0],
    [1, 0, 1, 0, 0, 1],
    [1, 0, 0, 1, 1, 0],
    [1, 0, 0, 1, 0, 1],
    [0, 1, 1, 0, 1, 0],
    [0, 1, 1, 0, 0, 1],
    [0, 1, 0, 1, 1, 0],
    [0, 1, 0, 1, 0, 1],
]


def value(number: int, t: float) -> float:
    if number < 4:
        return sum(a * sin(2 * pi * f * t) for a, f in zip(SINES[number], (0.11, 0.07, 0.05), strict=True))
    a, f = SQUARES[number - 4]
    return a if floor(2 * f * t + 1e-9) % 2 == 0 else -a


@pytest.mark.parametrize(("lecture", "batch"), [(10, 1), (1000, 1), (5000, 7), (30, 700)])
def test_laws(lecture: int, batch: int) -> None:
    def make() -> SignalSchool:
        return SignalSchool([6, 0, 3], lecture, batch_size=batch)

    laws.stream_is_the_same_again(make, 20)
    for stop in (0, 1, 1000):
        laws.stream_resumes_anywhere(make, stop, 20)


@pytest.mark.parametrize(("chosen", "lecture"), [([*range(8)], 1000), ([5, 2, 7], 40), ([4], 6000)])
def test_each_lecture_is_its_signal_from_its_beginning(chosen: list[int], lecture: int) -> None:
    stream = SignalSchool(chosen, lecture, ticks=20, dtype=torch.float64)
    assert (stream.task, stream.features, stream.ticks) == (Task("values", 1, "all"), 6, 20)
    for _ in range(2):
        for number in chosen:
            samples = [*islice(stream, lecture // 20)]
            seen = torch.cat([s.inputs.flatten(0, 1) for s in samples])
            assert torch.equal(seen, torch.tensor([SAID[number]], dtype=torch.float64).expand(lecture, 6))
            expected = torch.tensor([[value(number, t / 10)] for t in range(lecture)], dtype=torch.float64)
            torch.testing.assert_close(torch.cat([s.target for s in samples]), expected, atol=1e-11, rtol=0)
    assert stream.train_samples == len(chosen) * lecture // 20 and next(stream).baseline is None


def test_held_out_is_what_follows_a_lecture_at_times_between_ticks() -> None:
    held_out = SignalSchool([1, 6], dtype=torch.float64).held_out()
    expected = [[value(number, (t + 0.5) / 10)] for number in (1, 6) for t in range(1000, 2000)]
    torch.testing.assert_close(held_out.target, torch.tensor(expected, dtype=torch.float64), atol=1e-11, rtol=0)
    assert torch.equal(held_out.inputs[[0, -1], 0], torch.tensor([SAID[1], SAID[6]], dtype=torch.float64))


def test_no_value_of_a_sum_of_sines_is_both_held_out_and_given() -> None:
    """At 1000 ticks of 0.1 s, a whole number of periods, the continuation itself would be the lecture again."""
    stream = SignalSchool([0], 1000, ticks=2, dtype=torch.float64)
    given = torch.cat([s.target.view(1, 2) for s in islice(stream, 500)])
    assert float(torch.cdist(stream.held_out().target.view(-1, 2), given).min()) > 1e-4


def test_a_long_lecture_holds_out_10000_ticks() -> None:
    assert SignalSchool([0, 7], 10**9).describe().held_out_samples == 2000


def test_bad_input() -> None:
    with pytest.raises(BadInput, match=r"stream.lecture=1000: allowed: a whole multiple of stream.ticks=7"):
        SignalSchool([0], 1000, ticks=7)
    for signals in ([], [0, 8], [-1]):
        with pytest.raises(BadInput, match=r"allowed: at least one of the numbers 0 to 7"):
            SignalSchool(signals)
