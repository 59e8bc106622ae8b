"""The hparams table of TensorBoard: a row a job of a sweep, its choices and its final numbers."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
from tensorboard.plugins.hparams import metadata, plugin_data_pb2
from tensorboard.plugins.hparams.api_pb2 import STATUS_FAILURE, STATUS_SUCCESS

from hl_cli.reporting.tensorboard import Events


def write_hparams(folder: Path, choices: dict[str, str], scores: dict[str, Any], good: bool) -> None:
    """Write an event file of its own; a choice that reads as a number is one, so that the table sorts."""
    start = plugin_data_pb2.SessionStartInfo(start_time_secs=time.time())
    for key, value in choices.items():
        number = _number(value)
        if number is None:
            start.hparams[key].string_value = value
        else:
            start.hparams[key].number_value = number
    end = plugin_data_pb2.SessionEndInfo(end_time_secs=time.time(), status=STATUS_SUCCESS if good else STATUS_FAILURE)
    events = Events(folder)
    events.summary(
        0,
        Summary(
            value=[
                _value(metadata.SESSION_START_INFO_TAG, plugin_data_pb2.HParamsPluginData(session_start_info=start)),
                _value(metadata.SESSION_END_INFO_TAG, plugin_data_pb2.HParamsPluginData(session_end_info=end)),
            ]
        ),
    )
    events.scalars(0, {f"final/{name}": float(v) for name, v in scores.items() if isinstance(v, float | int)})
    events.close()


def _value(tag: str, content: Any) -> Summary.Value:
    content.version = metadata.PLUGIN_DATA_VERSION
    plugin = SummaryMetadata.PluginData(plugin_name=metadata.PLUGIN_NAME, content=content.SerializeToString())
    tensor = metadata.NULL_TENSOR
    return Summary.Value(tag=tag, metadata=SummaryMetadata(plugin_data=plugin), tensor=tensor)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
