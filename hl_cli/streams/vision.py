"""The one place that imports torchvision: its data sets, also where its compiled operators cannot be loaded."""

from __future__ import annotations

import sys
import warnings
from functools import cache
from importlib import import_module
from types import ModuleType

import torch

from hl_cli.errors import BadInput

# What the import of torchvision registers kernels for. Without the compiled operators nobody has declared them.
SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
WARNING = "torchvision's compiled operators do not fit this build of torch; only its data sets are used"

_declared: list[torch.library.Library] = []  # a schema goes when its library is deleted


@cache
def datasets() -> ModuleType:
    """torchvision.datasets. Warns once where the operators of torchvision cannot be used; BadInput without it."""
    try:
        return import_module("torchvision.datasets")
    except ImportError as error:
        raise BadInput(f"torchvision cannot be imported ({error}); install the one that fits your torch") from error
    except RuntimeError as error:
        if "operator torchvision::nms does not exist" not in str(error):
            raise
    for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        del sys.modules[name]
    library = torch.library.Library("torchvision", "FRAGMENT")
    for schema in SCHEMAS:
        library.define(schema)
    _declared.append(library)
    found = import_module("torchvision.datasets")
    warnings.warn(WARNING, stacklevel=2)
    return found
