"""From the options of a parameter group to the update rule and the coefficients of its step.

A group is in the numbers of HL or in those of an optimizer of torch; `rule` says which: "HL", "SGD", "AdamW", ...
The step is counted in units of tau: tau beta is the group's lr, exactly, and only such products enter a step.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

import torch
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from torch import Tensor

from hl_cli.config.registry import Choice, choices
from hl_cli.config.validation import check
from hl_cli.dynamics.equivalence import SGD, Coefficients, physics_of
from hl_cli.dynamics.rules import UpdateRule, semi_implicit_euler
from hl_cli.dynamics.rules.euler import SemiImplicitEuler
from hl_cli.dynamics.rules.kinetic import Relativistic
from hl_cli.errors import BadInput

OWN = "HL"
Made = tuple[UpdateRule, Coefficients]


def with_masses() -> dict[str, Choice]:
    """The scenarios that have a rule of their own, by the name of the optimizer that they equal, in lower case."""
    return {one.load().optimizer: one for one in choices("scenario")}


def known() -> list[str]:
    """The optimizers of torch.optim that HL equals."""
    lower = {SGD.optimizer, *with_masses()}
    return [name for name in dir(torch.optim) if name.lower() in lower and isinstance(getattr(torch.optim, name), type)]


def options_of(name: str) -> dict[str, Any]:
    """What HL takes of the options of an optimizer, with torch's defaults."""
    stock = inspect.signature(getattr(torch.optim, name).__init__).parameters
    rule = with_masses().get(name.lower())
    own = [f.name for f in fields(SGD)] if rule is None else inspect.signature(rule.load().__init__).parameters
    return {option: stock[option].default for option in own if option in stock and option != "self"}


def lr_of(tau: float, beta: float) -> float:
    """tau beta; raises BadInput for numbers out of range."""
    if not tau > 0.0:
        raise BadInput(f"HL: tau={tau:g}: allowed: a number > 0")
    if not beta >= 0.0:
        raise BadInput(f"HL: beta={beta:g}: allowed: a number >= 0")
    return tau * beta


def checked(rule: str, options: Mapping[str, Any]) -> None:
    """Raise BadInput for an option out of its range."""
    numbers = {name: options[name] for name in ("lr", "weight_decay") if name in options}
    if rule == OWN:
        numbers |= {name: options[name] for name in ("eta", "phi", "phi_first") if options[name] is not None}
    for name, value in numbers.items():
        if not (isinstance(value, int | float | Tensor) and math.isfinite(value) and value >= 0.0):
            raise BadInput(f"{rule}: {name}={value}: allowed: a number >= 0")
    if choice := with_masses().get(rule.lower()):
        ranged = {name: value for name, value in options.items() if name not in ("lr", "weight_decay")}
        ranged = {name: list(value) if isinstance(value, tuple) else value for name, value in ranged.items()}
        try:
            check(OmegaConf.structured(choice.kind(name=rule, **ranged)), f"{rule}: ")
        except OmegaConfBaseException as error:
            raise BadInput(f"{rule}: {' '.join(str(error).split())}") from None
    made(rule, options)


def made(rule: str, options: Mapping[str, Any]) -> Made:
    """Rule and coefficients of the step, in units of tau; raises BadInput for options that have no meaning together."""
    options = {**options, "lr": float(options["lr"])}
    if rule == OWN:
        kinetic = {name: options.pop(name) for name in ("kinetic", "limit", "limit_of")}
        return _rule_of(**kinetic), _own(**options)
    if rule.lower() == SGD.optimizer:
        return semi_implicit_euler, physics_of(SGD(**options))
    found = with_masses()[rule.lower()].load()(**options)
    return found, found.physics()


def _rule_of(kinetic: str, limit: float, limit_of: str) -> UpdateRule:
    """Of HL's own numbers, with a kinetic energy."""
    if kinetic == "classical":
        return semi_implicit_euler
    if kinetic != "relativistic":
        raise BadInput(f"HL: kinetic={kinetic}: allowed: classical, relativistic")
    if limit_of not in ("global", "tensor", "weight"):
        raise BadInput(f"HL: limit_of={limit_of}: allowed: global, tensor, weight")
    if not (isinstance(limit, int | float) and limit > 0.0):
        raise BadInput(f"HL: limit={limit}: allowed: a number > 0")
    rule = SemiImplicitEuler()
    rule.kinetic = Relativistic(float(limit), limit_of)
    return rule


def _own(
    lr: float,
    tau: float,
    eta: float | None,
    phi: float | None,
    phi_first: float | None,
    weight_decay: float,
    nesterov: bool,
    maximize: bool,
) -> Coefficients:
    loss, gain = (1.0 if of is None else tau * of for of in (eta, phi))
    first = gain if phi_first is None else tau * phi_first
    if nesterov and not 1.0 - loss > 0.0:
        raise BadInput(f"HL: nesterov=True (tau*eta={loss:g}): allowed: with tau*eta below 1, a momentum")
    return Coefficients(1.0, lr, loss, gain, first, weight_decay, nesterov=nesterov, maximize=maximize)


class Steps:
    """Rule and coefficients of one group: made anew when an option has changed, as by a scheduler."""

    def __init__(self) -> None:
        self._lr = math.nan
        self._options: dict[str, Any] = {}
        self._made: Made

    def of(self, group: Mapping[str, Any], names: frozenset[str]) -> Made:
        """Those of the group as it is; its options have these names."""
        lr = float(group["lr"])
        options = {name: group[name] for name in names if name != "lr"}
        if options != self._options:  # not for the lr alone: a rule may hold on to products over its steps
            self._made, self._options, self._lr = made(group["rule"], {**options, "lr": lr}), options, lr
        elif lr != self._lr:
            rule, c = self._made
            self._made, self._lr = (rule, replace(c, beta=lr)), lr
        return self._made
