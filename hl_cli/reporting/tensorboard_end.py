"""What TensorBoard shows of a run that has ended: the verdict as text, the pictures, and charts laid out by theme.

They are a run of their own, `report`, written afresh whenever a run ends, also after it was resumed.
"""

from __future__ import annotations

import shutil
import struct
from pathlib import Path
from typing import Any

from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
from tensorboard.plugins.custom_scalar import layout_pb2
from tensorboard.plugins.custom_scalar import metadata as custom_scalar
from tensorboard.plugins.text import metadata as text
from tensorboard.util.tensor_util import make_tensor_proto

from hl_cli.reporting.markdown import escape
from hl_cli.reporting.tensorboard import FOLDER, Events
from hl_cli.types import Physics

RUN = "report"
RGBA = 4  # TensorBoard's name of this colour space


def write_end(folder: Path, summary: dict[str, Any], report: str) -> None:
    """Write the run `report`; its pictures are there, report: the text of report.md."""
    there = folder / FOLDER / RUN
    shutil.rmtree(there, ignore_errors=True)  # of an end before this one
    events = Events(there)
    step = summary["steps"]
    events.summary(step, Summary(value=[_text("verdict", f"**{summary['verdict']}**: {escape(summary['reason'])}")]))
    events.summary(step, Summary(value=[_text("report", _without_pictures(report))]))
    for picture in sorted(folder.glob("*.png")):
        events.summary(step, Summary(value=[_picture(picture)]))
    events.summary(step, Summary(value=[_layout(summary["metrics"])]))
    events.close()


def _without_pictures(page: str) -> str:
    """TensorBoard has them beside the text, and serves no file of the folder."""
    return "\n".join(line for line in page.splitlines() if not line.startswith("!["))


def _text(tag: str, said: str) -> Summary.Value:
    about = text.create_summary_metadata(tag, "")
    return Summary.Value(
        tag=tag, metadata=SummaryMetadata.FromString(about.SerializeToString()), tensor=make_tensor_proto([said])
    )


def _picture(path: Path) -> Summary.Value:
    data = path.read_bytes()
    width, height = struct.unpack(">II", data[16:24])  # a PNG begins with a signature and its IHDR
    image = Summary.Image(height=height, width=width, colorspace=RGBA, encoded_image_string=data)
    return Summary.Value(tag=f"figures/{path.stem}", image=image)


def _layout(metrics: list[str]) -> Summary.Value:
    """The custom scalars: a chart overlays the runs that have its tags."""
    names = ["loss", *metrics]
    charts = {
        "all arms": {name: [f"{name}$"] for name in names} | {f"held-out {n}": [f"held_out/{n}"] for n in names},
        "over all steps": {name: [f"cumulative/{name}"] for name in names},
        "differences of the weights": {"largest and mean": ["weight_difference/(max_abs|mean_abs)"]},
        "physics of HL": {
            "energies": ["physics/(hamiltonian|loss_term|kinetic)"],
            "norms": [f"physics/({'|'.join(name for name in Physics.__dataclass_fields__ if name.endswith('_norm'))})"],
        },
    }  # fmt: skip
    layout = layout_pb2.Layout(
        category=[
            layout_pb2.Category(
                title=title,
                chart=[
                    layout_pb2.Chart(
                        title=name, multiline=layout_pb2.MultilineChartContent(tag=[f"^{tag}" for tag in tags])
                    )
                    for name, tags in chart.items()
                ],
            )
            for title, chart in charts.items()
        ]
    )
    about = custom_scalar.create_summary_metadata()
    return Summary.Value(
        tag=custom_scalar.CONFIG_SUMMARY_TAG,
        metadata=SummaryMetadata.FromString(about.SerializeToString()),
        tensor=make_tensor_proto(layout.SerializeToString()),
    )
