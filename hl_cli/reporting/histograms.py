"""How the weights and their costates are spread: a histogram a tensor, for TensorBoard, where log_histograms=true.

theta of both learners under one tag, omega of HL.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
from tensorboard.plugins.histogram import metadata
from tensorboard.util.tensor_util import make_tensor_proto
from torch import Tensor

BINS = 30


class Histograms:
    """Reads the learners where they stand; only at measured steps are both exactly there."""

    def __init__(self, hl: Any, pytorch: Any) -> None:
        self._hl, self._pytorch = hl, pytorch

    def now(self) -> dict[str, Summary]:
        """What to add, by learner. omega is missing where the weights are in other processes."""
        omega = {} if self._hl.weights_elsewhere else self._hl.weight_costates()
        return {
            "hl": _summary({**_named("theta", self._hl.weights()), **_named("omega", omega)}),
            "pytorch": _summary(_named("theta", self._pytorch.weights())),
        }


def _named(kind: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {f"{kind}/{name}": tensor for name, tensor in tensors.items()}


def _summary(tensors: dict[str, Tensor]) -> Summary:
    return Summary(value=[_value(tag, tensor) for tag, tensor in tensors.items()])


def _value(tag: str, tensor: Tensor) -> Summary.Value:
    """(bins, 3): left edge, right edge, how many; what is not finite is left out."""
    values = tensor.detach().double().cpu().numpy().ravel()
    counts, edges = np.histogram(values[np.isfinite(values)], BINS)
    table = np.stack([edges[:-1], edges[1:], counts], 1)
    about = metadata.create_summary_metadata(tag, "")
    return Summary.Value(
        tag=tag, metadata=SummaryMetadata.FromString(about.SerializeToString()), tensor=make_tensor_proto(table)
    )
