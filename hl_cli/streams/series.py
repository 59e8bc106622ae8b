"""A time series in a CSV file: the value of one column, `horizon` rows ahead, from the columns of the rows so far.

The file is read twice: once to check every row before anything runs, once to give its samples, once each and in
their order. Only some thousand rows are in memory at any time.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from hl_cli.errors import BadInput
from hl_cli.streams.csv_rows import ALLOWED, CsvRows
from hl_cli.streams.series_rows import MOST_HELD_OUT, Columns, PastRows, held_out_rows, survey
from hl_cli.streams.source_file import SourceFile
from hl_cli.streams.windows import Windows
from hl_cli.types import Task


class SeriesStream(Windows):
    """What a net sees at row t is the `inputs` columns there; the target is the column `target` at row t + horizon.

    Both are standardised with mean and deviation of the rows 0..t, so nothing of a later row is known (formulas in
    hl_cli.streams.series_rows). The baseline is persistence. The first `warmup` rows only begin these statistics. The
    last part `held_out` of the rows, at most 10,000, is held out, standardised with the statistics of all rows before
    it. The stream ends where that part begins; windows that do not fill a batch there are left out.

    inputs=None: all columns but `time`; a sample is `lags` rows; changes: see how the columns change from row to row
    and predict how far the target moves from its last value, instead of the values. With a horizon above 1 a learner
    meets a target `horizon` - 1 rows before it would be known, so there the held-out scores are the honest ones.

    Raises BadInput at construction for a file that is missing or unreadable, an unknown column, a cell that is no
    finite number, a row with another number of cells, times out of step, and too few rows; later for a file that has
    changed.
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
        counts: str = "last",
        changes: bool = False,
        warmup: int = 100,
        held_out: float = 0.2,
        batch_size: int = 1,
        dtype: torch.dtype = torch.float32,
        device: str = "cpu",
    ) -> None:
        table = CsvRows(SourceFile(path, ALLOWED))
        clock = None if time is None else table.column("time", time)
        aim = table.column("target", target)
        if inputs is None:
            seen = [k for k in range(len(table.names)) if k != clock]
        else:
            seen = [table.column("inputs", name) for name in inputs]
        if not seen or len(set(seen)) < len(seen):
            raise BadInput(f"stream.inputs={inputs}: allowed: one or more columns of {table.file.name}, each once")
        read = seen if aim in seen else [*seen, aim]
        columns = Columns(read, len(seen), read.index(aim), changes)

        rows, marks = survey(table, columns, clock)
        end = rows - min(MOST_HELD_OUT, round(rows * held_out))
        least = warmup + horizon + (lags * batch_size if counts == "every" else lags + batch_size - 1)
        if end < least or rows - end < lags + horizon:
            raise table.file.bad(
                f"has {rows} rows, {end} to train on and {rows - end} held out; allowed: at least {least} "
                f"(warmup, horizon, lags, batch) and {lags + horizon} (lags, horizon)"
            )
        super().__init__(
            PastRows(table, columns, horizon, warmup, end),
            held_out_rows(table, columns, horizon, end, rows, marks),
            Task("values", 1, counts),
            lags,
            batch_size,
            dtype,
            device,
        )
        usable = end - warmup - horizon
        self.train_samples = usable // lags if counts == "every" else usable - lags + 1
        self.length = self.train_samples // batch_size
        names = [table.names[k] for k in seen]
        what = f"the last {lags} {'changes' if changes else 'rows'} of {', '.join(names)}"
        self.name, self.files = table.file.name, (table.file.location,)
        self.origin = f"{self.name}, {rows} rows: {target}, {horizon} ahead, from {what}"
