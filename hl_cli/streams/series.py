"""A time series in a CSV file: the value of one column, `horizon` rows ahead, from the columns of the rows so far.

The file is read twice: once to check every row before anything runs, once to give its samples, once each and in
their order. Only some thousand rows are in memory at any time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from omegaconf import MISSING

from hl_cli.config.fields import described
from hl_cli.config.registry import choice
from hl_cli.config.stream import StreamConfig
from hl_cli.errors import BadInput
from hl_cli.streams.csv_cells import Cells
from hl_cli.streams.csv_rows import ALLOWED, CsvRows
from hl_cli.streams.csv_times import Times, find
from hl_cli.streams.series_rows import MOST_HELD_OUT, Columns, PastRows, held_out_rows, survey
from hl_cli.streams.unpacked import source
from hl_cli.streams.windows import Windows
from hl_cli.types import TARGETS, Task

MOST_WORDS = 256  # of a column; each is a number that is seen


MISSED = ("error", "ffill", "skip")


@choice("stream", home="SeriesStream")
@dataclass
class SeriesConfig(StreamConfig):
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
    targets: str = described("last", "ticks with a target: the last of a sample, or all", choices=TARGETS)
    changes: bool = described(False, "see and predict how values change, instead of the values")
    warmup: int = described(100, "rows that only begin the statistics, before the first sample", least=2)
    held_out: float = described(0.2, "last part of the rows kept for evaluation, at most 10,000 rows", above=0, below=1)


class SeriesStream(Windows):
    """What a net sees at row t is the `inputs` columns there; the target is the column `target` at row t + horizon.

    Both are standardised with mean and deviation of the rows 0..t, so nothing of a later row is known (formulas in
    hl_cli.streams.series_rows). The baseline is persistence. The first `warmup` rows only begin these statistics. The
    last part `held_out` of the rows, at most 10,000, is held out, standardised with the statistics of all rows before
    it. The stream ends where that part begins; windows that do not fill a batch there are left out.

    inputs=None: all columns but `time` and `categorical`; a sample is `lags` rows; changes: see how the columns change
    from row to row and predict how far the target moves from its last value, instead of the values. With a horizon
    above 1 a learner meets a target `horizon` - 1 rows before it would be known, so there the held-out scores are the
    honest ones.

    time: the column of times, which must go forward and label the rows (`label`); None: the first other column that
    has dates, if they go forward. time_format: as datetime.strptime takes it; None: found out. categorical: columns of
    words that are seen, one-hot; which of its places a word has follows from the rows so far. missing: what becomes of
    a row with an empty cell (hl_cli.streams.csv_cells). decimal: "." (point) or "," (comma). encoding: of the file. A
    name that ends in .gz or .zip is unpacked, .parquet read by pyarrow.

    Raises BadInput at construction for a file that is missing or unreadable, an unknown column, and too few rows; for
    all cells that are no finite numbers, rows with another number of cells and times out of order, in one line; later
    for a file that has changed.
    """

    licence = "not said (your file)"

    def __init__(
        self,
        path: str,
        target: str,
        inputs: Sequence[str] | None = None,
        time: str | None = None,
        horizon: int = 1,
        lags: int = 24,
        targets: str = "last",
        changes: bool = False,
        warmup: int = 100,
        held_out: float = 0.2,
        time_format: str | None = None,
        categorical: Sequence[str] | None = None,
        missing: str = "error",
        decimal: str = ".",
        encoding: str = "utf-8",
        batch_size: int = 1,
        dtype: torch.dtype = torch.float32,
        device: str = "cpu",
    ) -> None:
        table = CsvRows(source(path, ALLOWED, encoding))
        aim = table.column("target", target)
        words = [table.column("categorical", name) for name in categorical or ()]
        chosen = None if inputs is None else [table.column("inputs", name) for name in inputs]
        clock = _clock(table, time, {aim, *words, *(chosen or ())})
        seen = [k for k in range(len(table.names)) if k != clock and k not in words] if chosen is None else chosen
        if not seen or len(set(seen)) < len(seen):
            raise BadInput(f"stream.inputs={inputs}: allowed: one or more columns of {table.file.name}, each once")
        if len({*seen, aim, *words}) < len({*seen, aim}) + len(words):
            raise BadInput(f"stream.categorical={categorical}: allowed: columns that are neither target nor inputs")
        read = seen if aim in seen else [*seen, aim]
        sign = {"point": ".", "comma": ","}.get(decimal, decimal)
        cells = Cells(table, read, words, clock, missing, sign)
        columns = Columns(len(read), len(seen), read.index(aim), changes)
        times = None if clock is None else Times(time_format)

        found = survey(cells, columns, times)
        rows = found.rows
        if found.out_of_order and time is not None and clock is not None:
            cells.faults.time(clock, *found.out_of_order)
        if said := cells.faults.said():
            raise table.file.bad(f"cannot be used as it is ({found.lines} lines read): {said}")
        sizes = tuple(map(len, cells.vocabularies.values()))
        if any(size > MOST_WORDS for size in sizes):
            many = next(name for name, size in zip(categorical or (), sizes, strict=True) if size > MOST_WORDS)
            raise BadInput(f"stream.categorical: {many} has more than {MOST_WORDS} different words; allowed: fewer")
        columns = columns._replace(words=sizes)
        end = rows - min(MOST_HELD_OUT, round(rows * held_out))
        least = warmup + horizon + (lags * batch_size if targets == "all" else lags + batch_size - 1)
        if end < least or rows - end < lags + horizon:
            raise table.file.bad(
                f"has {rows} rows, {end} to train on and {rows - end} held out; allowed: at least {least} "
                f"(warmup, horizon, lags, batch) and {lags + horizon} (lags, horizon)"
            )
        super().__init__(
            PastRows(cells, columns, horizon, warmup, end),
            held_out_rows(cells, columns, horizon, end, rows, found.marks),
            Task("values", 1, targets),
            lags,
            batch_size,
            dtype,
            device,
        )
        self.timed = times is not None and found.out_of_order is None
        usable = end - warmup - horizon
        self.train_samples = usable // lags if targets == "all" else usable - lags + 1
        self.length = self.train_samples // batch_size
        names = [table.names[k] for k in [*seen, *words]]
        what = f"the last {lags} {'changes' if changes else 'rows'} of {', '.join(names)}"
        self.name, self.files = table.file.name, (table.file.location,)
        self.origin = f"{self.name}, {rows} rows: {target}, {horizon} ahead, from {what}"
        if missing != "error":
            self.origin += f"; missing values: {missing}"
        if times is not None and self.timed:
            self.origin += times.uneven()


def _clock(table: CsvRows, time: str | None, taken: set[int]) -> int | None:
    """The column of times: the one named, or one of the others that has dates."""
    if time is not None:
        return table.column("time", time)
    first = next(table.rows(table.first), None)
    if first is None or len(first.cells) != len(table.names):
        return None
    return find(table.names, first.cells, [k for k in range(len(table.names)) if k not in taken])
