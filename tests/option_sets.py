"""Every set of options of torch's optimizers in which HL is held to them."""

from __future__ import annotations

from itertools import product
from typing import Any


def table(**options: tuple[Any, ...]) -> list[dict[str, Any]]:
    return [dict(zip(options, values, strict=True)) for values in product(*options.values())]


COMMON: dict[str, tuple[Any, ...]] = {"weight_decay": (0.0, 0.01), "maximize": (False, True)}
SGDS = [
    one
    for one in table(momentum=(0.0, 0.5, 0.9), dampening=(0.0, 0.3), nesterov=(False, True), **COMMON)
    if not (one["nesterov"] and (one["momentum"] == 0 or one["dampening"]))
    and (one["momentum"] or not one["dampening"])
]
OF_MASSES: dict[str, list[dict[str, Any]]] = {
    "adam": table(amsgrad=(False, True), **COMMON),
    "adamw": table(amsgrad=(False, True), **COMMON),
    "rmsprop": table(momentum=(0.0, 0.9), centered=(False, True), **COMMON),
    "adagrad": table(lr_decay=(0.0, 0.01), initial_accumulator_value=(0.0, 0.1), **COMMON),
    "nadam": table(decoupled_weight_decay=(False, True), **COMMON),
}
