"""The configs of streams. The class of a config says which stream is built (hl_cli.build.streams)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from omegaconf import MISSING

from hl_cli.config.fields import described
from hl_cli.config.signals import Lorenz, MackeyGlass, MassSpring, Pendulum, Sine, Square
from hl_cli.config.stream import Stream
from hl_cli.types import COUNTS

MISSED = ("error", "ffill", "skip")
SIGNALS = 8


@dataclass
class Table(Stream):
    """A table of scikit-learn, reshuffled each epoch."""

    dataset: str = described(MISSING, "table", choices=("digits", "iris", "wine", "breast_cancer"))
    ticks: int = described(1, "ticks that the features of a sample are cut into", least=1)
    held_out: float = described(0.2, "part of the samples kept for evaluation", above=0, below=1)


@dataclass
class Images(Stream):
    """Images of torchvision, reshuffled each epoch; its test set is held out."""

    dataset: str = described(MISSING, "data set", choices=("mnist", "fashion_mnist", "kmnist", "cifar10"))
    ticks: int = described(
        1, "ticks that an image is cut into: 1, its height (rows), or height x width (pixels)", least=1
    )
    root: str = described("data", "folder that holds or receives the files")
    download: bool = described(False, "fetch files that are missing")


@dataclass
class Series(Stream):
    """A time series in a CSV file, read once in its order."""

    path: str = described(MISSING, "CSV file with a header; also .csv.gz, a .zip of one, .parquet")
    target: str = described(MISSING, "column to predict")
    inputs: list[str] | None = described(None, "columns that are seen; null: all but time and categorical")
    categorical: list[str] | None = described(None, "columns of words that are seen too, one-hot")
    time: str | None = described(None, "column of times, which go forward; null: a column of dates, where there is one")
    time_format: str | None = described(None, "how times are written, as %d.%m.%Y; null: found out")
    missing: str = described("error", "rows with empty cells; ffill: the last value stands for them", choices=MISSED)
    decimal: str = described(".", "decimal sign", choices=(".", ",", "point", "comma"))
    encoding: str = described("utf-8", "of the file, such as latin-1 or utf-16")
    horizon: int = described(1, "rows from the last one seen to the one predicted", least=1)
    lags: int | None = described(
        None,
        "rows that a sample sees, its ticks; null: 24, or 1 with scheme=forward, whose state goes on",
        least=1,
    )
    counts: str = described("last", "ticks with a target: the last of a sample, or every one", choices=COUNTS)
    changes: bool = described(False, "see and predict how values change, instead of the values")
    warmup: int = described(100, "rows that only begin the statistics, before the first sample", least=2)
    held_out: float = described(0.2, "last part of the rows kept for evaluation, at most 10,000 rows", above=0, below=1)


@dataclass
class Text(Stream):
    """The next character of a text, over and over."""

    path: str = described(MISSING, "text file in UTF-8")
    ticks: int = described(16, "characters that a sample sees", least=1)
    counts: str = described("last", "ticks with a target: the last of a sample, or every one", choices=COUNTS)
    held_out: float = described(0.1, "last part kept for evaluation, at most 10,000 characters", above=0, below=1)


@dataclass
class SignalSchool(Stream):
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


@dataclass
class Recall(Stream):
    """Generated tasks that ask for memory."""

    task: str = described(
        "copy", "copy: the input some ticks ago; adding: two marked inputs", choices=("copy", "adding")
    )
    delay: int = described(3, "ticks that must be remembered", least=1, most=4095)
    ticks: int = described(1, "ticks of a sample; each has a target", least=1)


@dataclass
class River(Stream):
    """A data set or a drift generator of river."""

    dataset: str = described("Phishing", "class in river.datasets, or synth.NAME for a generator")
    options: dict[str, Any] = described({}, "arguments of that class")
    held_out: int = described(200, "samples kept for evaluation, from the beginning of the stream", least=1, most=10**6)


@dataclass
class Plugin(Stream):
    """A stream of your own: stream=module:factory, or the name of an entry point in the group hl_cli.streams."""

    factory: str = described(MISSING, "module:factory")
    options: dict[str, Any] = described({}, "arguments of the factory")


@dataclass
class Drift(Stream):
    """A stream that changes over time: tasks one after the other."""

    streams: dict[str, Stream] = described({}, "the streams that it is made of, by any name")
    change: str = described("streams", "what a task is", choices=("streams", "classes", "permuted"))
    classes_per_task: int = described(2, "for change=classes", least=1)
    tasks: int = described(5, "for change=permuted: how many orders of the features", least=1, most=100)
    period: int = described(1000, "steps that a task lasts", least=1)
    blend: int = described(0, "steps in which the next task gradually takes over; 0: abrupt", least=0)
    recurring: bool = described(False, "after the last task the first comes again")


STREAMS: tuple[type[Stream], ...] = (
    Table, Images, Series, Text, Sine, Square, Lorenz, MackeyGlass, Pendulum, MassSpring, SignalSchool, Recall, River,
    Plugin, Drift,
)  # fmt: skip
