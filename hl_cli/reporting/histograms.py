"""How the weights and their costates are spread: a histogram a tensor, for TensorBoard, where log_histograms=true.

theta of all arms under one tag, omega of those that have it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
from tensorboard.plugins.histogram import metadata
from tensorboard.util.tensor_util import make_tensor_proto
from torch import Tensor

BINS = 30


class Histograms:
    """Reads the learners where they stand; only at measured steps are all exactly there."""

    def __init__(self, arms: Sequence[Any]) -> None:
        self._arms = arms

    def now(self) -> dict[str, Summary]:
        """What to add, by arm. omega is missing where the weights are in other processes."""
        found = {}
        for arm in self._arms:
            has_costates = hasattr(arm, "weight_costates") and not arm.weights_elsewhere
            omega = arm.weight_costates() if has_costates else {}
            found[arm.name] = _summary({**_named("theta", arm.weights()), **_named("omega", omega)})
        return found


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
