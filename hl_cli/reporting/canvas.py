"""Where the pictures are drawn: a figure of matplotlib that is saved whole, or not at all, and closed in any case."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from hl_cli.reporting.whole import whole


@contextmanager
def canvas(path: Path, rows: int = 1, columns: int = 1, dpi: int = 120, **more: Any) -> Iterator[tuple[Figure, Any]]:
    """Figure and axes to draw on; the PNG is written at the end."""
    figure, axes = plt.subplots(rows, columns, layout="constrained", **more)
    try:
        yield figure, axes
        with whole(path) as temporary:
            figure.savefig(temporary, format="png", dpi=dpi)
    finally:
        plt.close(figure)
