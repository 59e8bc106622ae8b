"""Eight signals to be told apart by their description alone: a lecture each, round after round without end.

A net sees at every tick what kind of signal it is, never its value, and says the value.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from hl_cli.config.fields import described
from hl_cli.config.registry import choice
from hl_cli.config.stream import StreamConfig
from hl_cli.errors import BadInput
from hl_cli.streams.closed_form import ClosedForm
from hl_cli.streams.rows import Rows
from hl_cli.streams.waves import Sine, Square
from hl_cli.streams.windows import PIECE, Windows
from hl_cli.types import Sample, Task

FREQUENCIES = [0.11, 0.07, 0.05]  # Hz, of the sums of sines
HIGH_TONE, LOW_TONE = [0.8, 0.16, 0.16], [0.16, 0.16, 0.8]  # amplitudes that stress the first or the last of them
SQUARES = ((1.0, 0.06), (0.5, 0.06), (1.0, 0.03), (0.5, 0.03))  # amplitude and frequency (Hz)
NAMES = [
    f"{kind} {tone} {size}" for kind in ("sine", "square") for tone in ("high", "low") for size in ("loud", "soft")
]
# sine, square, high frequency, low frequency, high amplitude, low amplitude
DESCRIPTIONS = torch.tensor(
    [[kind, 1 - kind, tone, 1 - tone, loud, 1 - loud] for kind in (1, 0) for tone in (1, 0) for loud in (1, 0)],
    dtype=torch.float64,
)
HELD_OUT = 10_000  # ticks of each signal that are held out, at most


SIGNALS = 8


@choice("stream", home="SignalSchool")
@dataclass
class SignalSchoolConfig(StreamConfig):
    """Eight signals to be told apart by their description alone: a lecture each, round after round."""

    signals: list[int] = described([*range(SIGNALS)], "which of the eight, in their order", least=0, most=SIGNALS - 1)
    exam: list[int] | None = described(
        None,
        "hold out these signals, from their beginning, and examine each after every lecture; null: the continuation",
        least=0,
        most=SIGNALS - 1,
    )
    lecture: int = described(1000, "ticks that a signal lasts, its lecture", least=1)
    step: float = described(0.1, "time between two ticks", above=0)
    ticks: int = described(10, "ticks of a sample; each has a target", least=1)


def all_signals(step: float) -> list[ClosedForm]:
    """The eight signals, `step` seconds a tick, in the order of DESCRIPTIONS."""
    tones = (HIGH_TONE, LOW_TONE)
    sines = [Sine(FREQUENCIES, [part * a for a in tone], step) for tone in tones for part in (1.0, 0.5)]
    return [*sines, *(Square(frequency, amplitude, step) for amplitude, frequency in SQUARES)]


class Lectures:
    """The rows of the chosen signals in turn, each from its own beginning; the tick number is the whole state."""

    def __init__(self, chosen: list[int], lecture: int, step: float) -> None:
        self._lecture, self._tick = lecture, 0
        signals = all_signals(step)
        self._signals = [signals[number] for number in chosen]
        self._descriptions = DESCRIPTIONS[chosen]

    def __next__(self) -> Rows:
        ticks = np.arange(self._tick, self._tick + PIECE)
        self._tick += PIECE
        turn = ticks // self._lecture % len(self._signals)
        values = np.empty((PIECE, 1))
        for number in np.unique(turn):
            its = turn == number
            values[its] = self._signals[number].at(ticks[its] % self._lecture)
        return Rows(self._descriptions[torch.from_numpy(turn)], torch.from_numpy(values))

    def state_dict(self) -> dict[str, int]:
        """The next tick."""
        return {"tick": self._tick}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Go to that tick."""
        self._tick = state["tick"]


def beyond(chosen: list[int], lecture: int, step: float, count: int) -> Rows:
    """`count` rows of each chosen signal after the end of its lecture, halfway between ticks.

    A signal that repeats itself lecture by lecture has there, halfway, values that no lecture has.
    """
    signals = all_signals(step / 2)
    halves = 2 * np.arange(lecture, lecture + count) + 1
    values = np.concatenate([signals[number].at(halves) for number in chosen])
    return Rows(DESCRIPTIONS[chosen].repeat_interleave(count, dim=0), torch.from_numpy(values))


def from_the_beginning(chosen: list[int], lecture: int, step: float) -> Rows:
    """The rows of a lecture of each chosen signal."""
    signals = all_signals(step)
    values = np.concatenate([signals[number].at(np.arange(lecture)) for number in chosen])
    return Rows(DESCRIPTIONS[chosen].repeat_interleave(lecture, dim=0), torch.from_numpy(values))


class SignalSchool(Windows):
    """Chosen signals by their numbers, 0 to 7: four sums of sines, then four square waves, as in DESCRIPTIONS.

    There is nothing random in it, so that the seed changes nothing. Held out are as many ticks of each signal as a
    lecture has, at most 10,000 where a lecture is longer, from after its end. With `exam`, held out are lectures of
    those signals, taught or not, from their beginning, for nets that generate a signal from its description: each is
    then a task, examined after every lecture.
    """

    name, licence = "signal_school", "none needed"

    def __init__(
        self,
        signals: list[int],
        lecture: int = 1000,
        step: float = 0.1,
        ticks: int = 10,
        exam: list[int] | None = None,
        batch_size: int = 1,
        dtype: torch.dtype = torch.float32,
        device: str = "cpu",
    ) -> None:
        count = len(DESCRIPTIONS)
        for field, chosen in (("signals", signals), ("exam", signals if exam is None else exam)):
            if not chosen or not all(0 <= number < count for number in chosen):
                raise BadInput(f"stream.{field}={chosen}: allowed: at least one of the numbers 0 to {count - 1}")
        if lecture % ticks:
            raise BadInput(f"stream.lecture={lecture}: allowed: a whole multiple of stream.ticks={ticks}")
        self.origin = f"generated: sums of sines and square waves, signals {signals}, {lecture} ticks each, step {step}"
        self.train_samples = len(signals) * lecture // ticks
        self.descriptions = DESCRIPTIONS[signals]
        self._exam, self._last = exam or [], torch.empty(0)
        if exam is None:
            held_out = beyond(signals, lecture, step, min(lecture, max(ticks, HELD_OUT // ticks * ticks)))
        else:
            held_out = from_the_beginning(exam, lecture, step)
            self.period, rest = divmod(lecture // ticks, batch_size)
            if rest:
                raise BadInput(f"batch_size={batch_size}: allowed with stream.exam: whole batches in a lecture")
        task = Task("values", 1, "all")
        super().__init__(Lectures(signals, lecture, step), held_out, task, ticks, batch_size, dtype, device)

    def __next__(self) -> Sample:
        sample = super().__next__()
        self._last = sample.inputs[-1, -1]
        return sample

    def take(self, count: int) -> Sequence[Sample]:
        """As those of any windows; the last of them names the signal."""
        found = super().take(count)
        self._last = found[-1].inputs[-1, -1]
        return found

    def held_out_tasks(self) -> dict[str, Sample]:
        """The exam, signal by signal."""
        whole, found = self.held_out(), {}
        assert whole.target is not None
        for k, number in enumerate(self._exam):
            size = len(whole.inputs) // len(self._exam)
            rows = size * self.ticks
            part = slice(k * size, (k + 1) * size)
            found[NAMES[number]] = Sample(whole.inputs[part], whole.target[k * rows : (k + 1) * rows])
        return found

    def current_task(self) -> str | None:
        """The signal of the last sample, where there is an exam."""
        if not self._exam or not len(self._last):
            return None
        return NAMES[int((DESCRIPTIONS - self._last.double().cpu()).abs().sum(1).argmin())]
