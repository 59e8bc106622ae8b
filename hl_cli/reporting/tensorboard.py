"""TensorBoard: a run folder an arm with the same tags, so that their curves overlay in one chart."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter

from hl_cli.compare.burst import Burst
from hl_cli.compare.metrics import Total
from hl_cli.compare.observer import Observer
from hl_cli.compare.pairs import Pairs
from hl_cli.compare.running_metrics import RunningMetrics
from hl_cli.compare.side_by_side import StepRecord
from hl_cli.reporting.growing import Mark, grow, mark_of, settle
from hl_cli.reporting.histograms import Histograms

FLUSH_SECONDS = 10
FOLDER = "tensorboard"


class Events:
    """One event file, written in the thread that calls.

    SummaryWriter hands each scalar to a thread of its own, which holds Python's lock while the learners run: it
    slowed them by a third. Here all scalars of a point are one event, and the learners' clocks stay honest.
    start: the name of a file in the folder and the mark to go on after.
    """

    def __init__(self, folder: Path, start: tuple[str, Mark] | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        name, mark = start or (f"events.out.tfevents.{int(time.time()):010d}.{socket.gethostname()}", None)
        self._path = folder / name
        self._file = grow(self._path, mark, binary=True)
        self._records = RecordWriter(self._file)
        self._safe: int = mark[0] if mark else 0  # bytes of whole records that have reached the file
        if start is None:
            self._add(Event(wall_time=time.time(), file_version="brain.Event:2"))

    def _add(self, event: Event) -> None:
        self._records.write(event.SerializeToString())

    def summary(self, step: int, summary: Summary) -> None:
        """Add one event."""
        self._add(Event(wall_time=time.time(), step=step, summary=summary))

    def scalars(self, step: int, values: dict[str, float]) -> None:
        """Add one point a tag."""
        self.summary(step, Summary(value=[Summary.Value(tag=tag, simple_value=v) for tag, v in values.items()]))

    def flush(self) -> None:
        """Let a running TensorBoard see what was added."""
        self._records.flush()
        self._safe = self._file.tell()

    def state_dict(self) -> list[Any]:
        """Name and mark of the file, once all that was added is on the disk."""
        mark = settle(self._file)
        self._safe = mark[0]
        return [self._path.name, mark]

    def mark(self) -> tuple[str, Mark]:
        """Name of the file, and what was written."""
        return self._path.name, mark_of(self._file)

    def close(self) -> None:
        """Write what is buffered; a record that does not fit on the disk is left out."""
        try:
            self._records.close()
        except OSError:
            os.truncate(self._path, self._safe)
            raise


class TensorBoard(Observer):
    """Loss and scores are of all steps since the last point, and cumulative ones of all steps so far.

    tally: has taken each record before this one does; pairs: the arms whose differences from the reference have a run
    of their own, `difference`, or `difference_<arm>` where there are several; start: from `state_dict`, to go on with
    files that are there; histograms: of weights and costates, to be added at the measured steps; others: observers
    with points of their own, which have taken each record before this one does.
    """

    def __init__(
        self,
        folder: Path,
        tally: RunningMetrics,
        pairs: Pairs,
        start: dict[str, Any] | None = None,
        histograms: Histograms | None = None,
        others: Sequence[Observer] = (),
    ) -> None:
        self._others = others
        self._tally, self._measure, self._histograms = tally, tally.measure, histograms
        several = len(pairs.of) > 1
        self._apart = {name: f"difference_{name}" if several else "difference" for name in pairs.of}
        files = start["files"] if start else dict.fromkeys((*tally.names, *self._apart.values()))
        self._events = {name: Events(folder / FOLDER / name, file) for name, file in files.items()}
        self._flushed = time.monotonic()
        self._reset()
        for name, total in self._since.items():
            if start:
                total.load_state_dict(start["since"][name])

    def _reset(self) -> None:
        self._since = {name: Total(self._measure) for name in self._tally.names}

    def consume(self, record: StepRecord) -> None:
        """A point at the measured steps, held-out scores at the evaluated ones."""
        for name, means in record.means.items():
            self._since[name].add(means)
        self._point(record)

    def consume_burst(self, burst: Burst) -> None:
        """The same: only its last step may be measured."""
        for name, means in burst.means.items():
            self._since[name].extend(means)
        for record in burst.notable:
            self._point(record)

    def _point(self, record: StepRecord) -> None:
        apart = {name: pair.distance for name, pair in record.pairs.items() if pair.distance is not None}
        if not record.measured and not apart and record.held_out is None and record.tasks is None:
            return
        points: dict[str, dict[str, float]] = {name: {} for name in self._events}
        for name, scores in (record.held_out or {}).items():
            points[name] |= {f"held_out/{tag}": value for tag, value in scores.items()}
        for task, by_learner in (record.tasks or {}).items():
            for name, scores in by_learner.items():
                points[name][f"task/{task}/{self._measure.main}"] = scores[self._measure.main]
        for name, distance in apart.items():
            points[self._apart[name]] |= {f"weight_difference/{tag}": v for tag, v in asdict(distance).items()}
        for name, physics in record.physics.items():
            points[name] |= {f"physics/{tag}": value for tag, value in asdict(physics).items()}
        if record.measured:
            for name, window in self._since.items():
                points[name] |= window.scores()
            for name in self._tally.running(record):
                points[name] |= {f"cumulative/{tag}": v for tag, v in self._tally.total[name].scores().items()}
            self._reset()
            for name, values in (pair for other in self._others for pair in other.points(record.step).items()):
                points[name] |= values
        for name, values in points.items():
            if values:
                self._events[name].scalars(record.step, values)
        if record.measured and self._histograms:
            for name, summary in self._histograms.now().items():
                self._events[name].summary(record.step, summary)
        if record.measured and time.monotonic() - self._flushed > FLUSH_SECONDS:
            for events in self._events.values():
                events.flush()
            self._flushed = time.monotonic()

    def state_dict(self) -> dict[str, Any]:
        """The files as they are, and what has come since the last point."""
        return {
            "files": {name: events.state_dict() for name, events in self._events.items()},
            "since": {name: total.state_dict() for name, total in self._since.items()},
        }

    def marks(self) -> dict[str, Mark]:
        """What was written, file by file, by its path in the folder of the run."""
        written = {name: events.mark() for name, events in self._events.items()}
        return {f"{FOLDER}/{name}/{file}": mark for name, (file, mark) in written.items()}

    def close(self) -> None:
        """Write what is buffered."""
        with ExitStack() as closing:
            for events in self._events.values():
                closing.callback(events.close)
