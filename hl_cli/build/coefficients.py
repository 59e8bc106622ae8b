"""From a scenario to HL's numbers and SGD's: one kind is given, the other follows."""

from __future__ import annotations

import torch

from hl_cli.config import Scenario
from hl_cli.dynamics.equivalence import SGD, Coefficients, physics_of, rounds_alike, sgd_of
from hl_cli.dynamics.rules.metric import Metric
from hl_cli.dynamics.stock import Stock
from hl_cli.errors import BadInput


def coefficients(
    scenario: Scenario, tau: float, dtype: str, meant: bool = True, steady: bool = False
) -> tuple[Coefficients, SGD, str]:
    """HL's numbers, SGD's numbers, and a sentence on how they are related.

    meant: whether the two learners are meant to be equal, so that the sentence says how the numbers round; steady:
    whether HL's own phi is that of the first step, too, and not 1/tau, with which torch.optim.SGD starts.
    """
    of_sgd = [k for k in ("lr", "momentum", "dampening") if getattr(scenario, k) is not None]
    of_hl = [k for k in ("beta", "eta", "phi") if getattr(scenario, k) is not None]
    if of_sgd and of_hl:
        raise BadInput(
            f"scenario gives both {', '.join(of_sgd)} (of SGD) and {', '.join(of_hl)} (of HL): give one kind, "
            "the other follows; scenario=custom starts with neither"
        )
    decay = scenario.weight_decay or 0.0
    if of_hl:
        return _fitting(*_from_hl(scenario, tau, decay, dtype, meant, steady), dtype)
    if scenario.lr is None:
        raise BadInput("scenario.lr=null: allowed: a number > 0, or scenario.beta for HL's own numbers")
    sgd = SGD(
        scenario.lr, scenario.momentum or 0.0, scenario.dampening or 0.0, decay, scenario.nesterov, scenario.maximize
    )
    physics = physics_of(sgd, tau)
    rounding = _rounding(physics, sgd, dtype) if meant else ""
    return _fitting(physics, sgd, f"HL's coefficients follow from SGD's{rounding}", dtype)


def of_masses(rule: Metric, tau: float, dtype: str) -> tuple[Coefficients, Stock, str]:
    """The same of a scenario whose weights have masses."""
    physics, lr = rule.physics(tau), rule.stock.lr
    alike = "" if physics.velocity == lr else f"; tau*beta is not quite its lr={lr:g}, so expect round-off"
    if not lr <= torch.finfo(getattr(torch, dtype)).max:
        raise BadInput(f"scenario.lr={lr:g}: no finite number in {dtype}")
    return physics, rule.stock, f"HL with a mass per weight, as {rule.name} has it{alike}"


def _rounding(physics: Coefficients, sgd: SGD, dtype: str) -> str:
    alike = "the same numbers" if rounds_alike(physics, sgd, dtype) else "slightly other numbers, so expect round-off"
    return f"; in {dtype} both sets of coefficients round to {alike}"


def _fitting(physics: Coefficients, sgd: SGD, note: str, dtype: str) -> tuple[Coefficients, SGD, str]:
    """Pass on coefficients that are finite numbers of the dtype."""
    derived = {"tau*beta": physics.velocity, "1 - tau*eta": physics.decay, "tau*phi": physics.tau * physics.phi}
    largest = torch.finfo(getattr(torch, dtype)).max
    for name, value in {**vars(physics), **sgd.options, **derived}.items():
        if value is not None and not abs(value) <= largest:
            raise BadInput(
                f"scenario.{name}={value:g} (tau={physics.tau:g}): no finite number in {dtype}; "
                f"allowed: up to {largest:.3g}"
            )
    return physics, sgd, note


def _from_hl(
    scenario: Scenario, tau: float, weight_decay: float, dtype: str, meant: bool, steady: bool
) -> tuple[Coefficients, SGD, str]:
    if scenario.beta is None:
        raise BadInput("scenario.beta=null: allowed: a number > 0 (eta and phi default to 1/tau)")
    eta = 1.0 / tau if scenario.eta is None else scenario.eta
    phi = 1.0 / tau if scenario.phi is None else scenario.phi
    has_momentum, dampened = 1.0 - tau * eta != 0.0, tau * phi < 1.0
    phi_first = 1.0 / tau if has_momentum and dampened and not (steady or scenario.nesterov) else phi
    physics = Coefficients(
        tau, scenario.beta, eta, phi, phi_first, weight_decay, nesterov=scenario.nesterov, maximize=scenario.maximize
    )
    if scenario.nesterov and not physics.decay > 0.0:
        raise BadInput(f"scenario.nesterov=true (tau*eta={tau * eta:g}): allowed: with tau*eta below 1, a momentum")
    found = sgd_of(physics)
    first = f" (phi = {phi_first:g} at the first step, as PyTorch starts)" if phi_first != phi else ""
    rounding = _rounding(physics, found.sgd, dtype) if found.equal and meant else ""
    return physics, found.sgd, f"SGD's numbers follow from HL's{first}: {found.note}{rounding}"
