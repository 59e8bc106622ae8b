r"""Truncated BPTT with `engine=replay`: the PyTorch calls of a window, forward and back, made again without Python.

    (samples of a window, states at its begin)  ->  (y of each tick, states at its end, gradients; losses)

The optimizer of torch and what clips gradients stay as they are. A window is recorded twice. Where both recordings have
the same calls on the same tensors, the program of the first, run on the samples of the second, must leave the same bits
in all of that. Windows that are cut by a measured step are eager, and so is one with a number that is not finite, which
says what it is. What cannot be recorded runs eagerly; one line says why.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from time import perf_counter
from typing import Any

import numpy as np
import torch
from torch import Tensor

from hl_cli.engine.driver import driver
from hl_cli.engine.recorder import Unrecordable, recorded, tensors_in
from hl_cli.errors import NonFinite
from hl_cli.learners.recorded_window import RecordedWindow, Window, form, formed
from hl_cli.learners.truncated import TruncatedLearner
from hl_cli.networks.recurrent import States
from hl_cli.networks.sequence import joined
from hl_cli.types import LearnerRecord, LearnerRecords, Sample

KINDS = 16  # of windows that are recorded, by the shapes of their samples
Said = tuple[LearnerRecord, Tensor | None]


class ReplayedTruncated(TruncatedLearner):
    """replayed: samples so far without Python; eager_because: why there are no more."""

    replayed = 0
    eager_because = ""
    _recording: RecordedWindow | None = None

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._kinds: dict[Any, Window] = {}
        self._native = driver()

    def several(self, samples: Sequence[Sample], watched: Sequence[Tensor]) -> LearnerRecords | None:
        """The records of the samples of whole windows, and what is watched as it is after each of them."""
        said, stop = list[Said](), None
        try:
            for record in self._windows(samples, watched):
                said.append(record)
        except NonFinite as error:
            if not said:
                raise
            stop = error
        if not said:
            return None
        records, rows = zip(*said, strict=True)
        losses, seen = np.array([one.loss for one in records]), torch.stack(rows) if watched else None
        return LearnerRecords(torch.stack([one.prediction for one in records]), losses, seen, stop)

    def _windows(self, samples: Sequence[Sample], watched: Sequence[Tensor]) -> Iterator[Said]:
        shape = samples[0].inputs.shape
        while (part := self._whole(samples)) and part[0].inputs.shape == shape:
            samples = samples[len(part) :]
            kind = form([(one.inputs, one.target) for one in part]), form(self._begins())
            found = self._kinds.get(kind)
            if found is not None and found.proven:
                yield from self._replay(found, part, watched)
            else:
                yield from self._record(kind, part, watched)

    def _whole(self, samples: Sequence[Sample]) -> Sequence[Sample]:
        """The samples of the window that begins with the first of them; none where it is not all there."""
        if self.eager_because or self._sums or not samples or (self._seen and self.lives_on):
            return ()
        shape = samples[0].inputs.shape
        ticks = shape[1]
        count = self.window // ticks if self.lives_on else 1
        ends = count * ticks == self.window if self.lives_on else ticks <= self.window
        part = list(samples[:count])
        alike = all(type(one) is Sample and one.target is not None and one.inputs.shape == shape for one in part)
        return part if count and ends and alike and len(part) == count and self.update_every <= count * ticks else ()

    def _begins(self) -> States:
        return self._states if self.lives_on else [None] * len(self.module.cells)

    def _given(self, part: Sequence[Sample]) -> list[Tensor]:
        """What a program is a function of."""
        return [*tensors_in((one.inputs, one.target) for one in part), *tensors_in(self._begins())]

    def _one_by_one(self, part: Sequence[Sample], watched: Sequence[Tensor]) -> Iterator[Said]:
        for sample in part:
            yield super().step(sample), torch.cat(list(watched)) if watched else None

    def _record(self, kind: Any, part: Sequence[Sample], watched: Sequence[Tensor]) -> Iterator[Said]:
        """The window eagerly, with its calls noted."""
        given, said, stop = self._given(part), list[Said](), None
        with ExitStack() as self._recorder:
            calls = self._recorder.enter_context(recorded())
            self._recording = RecordedWindow(kind, given, 2 * len(part), calls)
            if self.lives_on:
                self._begin(self._states)  # what follows from the weights alone belongs to the window
            try:
                said.extend(self._one_by_one(part, watched))
            except NonFinite as error:
                stop = error
            finally:
                self._recording = None
        yield from said
        if stop is not None:
            raise stop

    def _tick(self, u: Tensor, target: Tensor | None, asked: bool) -> tuple[Tensor | None, Tensor | None]:
        y, loss = super()._tick(u, target, asked)
        if self._recording is not None and y is not None and loss is not None:
            self._recording.said.append(y)
            self._recording.losses.append(loss)
        return y, loss

    def _move(self, periods: int = 1) -> None:
        """The gradients are there: a recorded window ends here."""
        if self._recording is not None:
            self._recorder.close()
            done, self._recording = self._recording, None
            try:
                again = done.window(self._states, [p.grad for p in self._parameters])
                found = self._kinds.setdefault(done.kind, again)
                if len(self._kinds) > KINDS:
                    raise Unrecordable(f"it has more than {KINDS} kinds of windows")
                if found is not again:
                    done.prove(found, again, self._native)
            except Unrecordable as why:
                self._kinds.clear()
                self.eager_because = str(why)
                warnings.warn(f"engine=replay: {self.name} runs eagerly: {why}", stacklevel=2)
        super()._move(periods)

    def _replay(self, found: Window, part: Sequence[Sample], watched: Sequence[Tensor]) -> Iterator[Said]:
        """The window without Python, then the step of the optimizer."""
        start = perf_counter()
        with torch.no_grad():
            left, numbers = found.program(self._given(part))
        if not all(map(math.isfinite, numbers)):
            yield from self._one_by_one(part, watched)
            return
        row = torch.cat(list(watched)) if watched else None
        rest = iter(left[found.ticks :])
        self._states = [formed(one, rest) for one in found.states]
        self._follow(len(part) - 1)
        self._open()
        for p, there in zip(self._parameters, found.with_gradient, strict=True):
            p.grad = next(rest) if there else None
        self._move(sum(one.inputs.shape[1] for one in part))
        self._begin(self._states)
        self._follow(1)
        self.replayed += len(part)
        self.seconds += perf_counter() - start
        each = found.ticks // len(part)
        for k in range(len(part)):
            own = slice(k * each, (k + 1) * each)
            value = 0.0
            for number in numbers[own]:
                value += number / each
            last = k == len(part) - 1
            yield LearnerRecord(joined(left[own]), value), torch.cat(list(watched)) if watched and last else row

    def _follow(self, samples: int) -> None:
        """The learning rate goes on by so many samples."""
        for _ in range(samples if self.rates is not None else 0):
            self.rates.advance()  # type: ignore[union-attr]

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        super().load_state_dict(state)
        self._kinds.clear()
