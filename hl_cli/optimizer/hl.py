r"""HL as a torch.optim.Optimizer.

    omega' = (1 - tau eta) omega + tau phi g        theta' = theta - tau beta omega'

The rules of hl_cli.dynamics.rules take the steps. `lr` of a group is tau beta: schedulers drive it, and beta with it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, overload

import torch
from torch import Tensor
from torch.optim import Optimizer
from torch.optim.optimizer import ParamsT

from hl_cli.dynamics.equivalence import Coefficients
from hl_cli.dynamics.rules import UpdateRule
from hl_cli.dynamics.rules.base import WeightState, apply
from hl_cli.errors import BadInput
from hl_cli.optimizer.buckets import Bucket, Large, Member, Scratch, arranged
from hl_cli.optimizer.kinds import OWN, Steps, checked, known, lr_of, options_of
from hl_cli.optimizer.saved import costates, refuse_unlike

_SWITCHES = ("foreach", "fused", "capturable", "differentiable")  # of torch's kernels; HL has one


class HL(Optimizer):
    """Hamiltonian Learning of the weights, for any training script that has a torch.optim.Optimizer.

    tau (time): length of a step; beta: weight velocity gain; eta (1/time): dissipation of the costates, 1/tau when
    None; phi (1/time): weight of the loss, 1/tau when None; phi_first: phi at the first step of a parameter, phi when
    None; weight_decay: a term (weight_decay/2)|theta|^2 beside the loss; nesterov: theta follows omega as the next step
    has it for the same gradient; maximize: the sign of phi is turned. kinetic: "classical", or "relativistic", where
    theta follows omega / sqrt(1 + (tau beta |omega| / limit)^2) and moves by at most `limit` in a step; |omega| is that
    of limit_of: "global" (the parameters of a group that move), "tensor" or "weight".

    All are options of a parameter group. A group keeps `lr`, which is tau beta, in place of beta; `lr=` may be given in
    place of `beta=` there, and any scheduler of torch.optim.lr_scheduler drives it.

    A parameter without a gradient rests, and counts its own steps. `state[p]` has `omega` and `taken`, the steps; what
    a rule keeps beside it has its name there. Costates of parameters of less than 32 bits are float32.
    Raises BadInput, a ValueError, for options out of range and for complex and sparse parameters or gradients.

    >>> p = torch.nn.Parameter(torch.tensor([1.0]))
    >>> optimizer = HL([p], tau=0.5, beta=0.5, eta=0.5, phi=1.0)
    >>> p.square().sum().backward()
    >>> optimizer.step()
    >>> p.item(), optimizer.state[p]["omega"].item(), optimizer.param_groups[0]["lr"]
    (0.75, 1.0, 0.25)
    """

    def __init__(
        self,
        params: ParamsT,
        *,
        tau: float = 1.0,
        beta: float = 0.01,
        eta: float | None = None,
        phi: float | None = None,
        phi_first: float | None = None,
        weight_decay: float = 0.0,
        nesterov: bool = False,
        maximize: bool = False,
        kinetic: str = "classical",
        limit: float = 1.0,
        limit_of: str = "global",
    ) -> None:
        own: dict[str, Any] = {"eta": eta, "phi": phi, "phi_first": phi_first, "weight_decay": weight_decay}
        own |= {"nesterov": nesterov, "maximize": maximize, "kinetic": kinetic, "limit": limit, "limit_of": limit_of}
        options = {"lr": lr_of(tau, beta), "tau": tau, **own}
        self._begin(params, OWN, options)

    @classmethod
    def equal_to(cls, optimizer: type[Optimizer], params: ParamsT, **options: Any) -> HL:
        """The HL that takes the steps of an optimizer of torch, bit for bit as with foreach=False.

        optimizer: torch.optim.SGD, Adam, AdamW, RMSprop, Adagrad or NAdam; options: its own, with its defaults.
        """
        name = getattr(optimizer, "__name__", str(optimizer))
        if name not in known() or getattr(torch.optim, name) is not optimizer:
            raise BadInput(f"HL.equal_to: {name}: allowed: {', '.join(f'torch.optim.{one}' for one in known())}")
        allowed = options_of(name)
        for option, value in options.items():
            if option not in allowed and (option not in _SWITCHES or value):
                raise BadInput(f"HL.equal_to: {name}: {option}={value}: allowed: {', '.join(allowed)}")
        made = cls.__new__(cls)
        made._begin(params, name, {**allowed, **{key: options[key] for key in options if key in allowed}})
        return made

    def _begin(self, params: ParamsT, rule: str, options: dict[str, Any]) -> None:
        self._forget()
        super().__init__(params, {"rule": rule, **options})

    def _forget(self) -> None:
        """Arrange all anew at the next step."""
        self._steps: dict[int, Steps] = {}
        self._buckets: dict[int, tuple[list[Any], list[Bucket | Large]]] = {}
        self._scratch = Scratch()

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._forget()
        super().__setstate__(state)

    @property
    def _names(self) -> frozenset[str]:
        return frozenset(self.defaults) - {"rule", "differentiable"}

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """As torch has it; raises BadInput for an option out of range and for complex parameters."""
        rule = self.defaults["rule"]
        if isinstance(param_group, dict):
            param_group = dict(param_group)
            if rule == OWN and "lr" not in param_group and {"tau", "beta"} & set(param_group):
                beta = param_group.pop("beta", self.defaults["lr"] / self.defaults["tau"])
                param_group["lr"] = lr_of(param_group.get("tau", self.defaults["tau"]), beta)
            if param_group.setdefault("rule", rule) != rule:
                raise BadInput(f"HL: rule={param_group['rule']} in a group: allowed: {rule}, that of the optimizer")
            checked(rule, {name: param_group.get(name, self.defaults[name]) for name in self._names})
        super().add_param_group(param_group)
        for p in self.param_groups[-1]["params"]:
            if p.is_complex():
                shape = tuple(p.shape)
                self.param_groups.pop()
                raise BadInput(f"HL: a parameter of shape {shape} is complex: allowed: real numbers")

    @overload
    def step(self, closure: None = None) -> None: ...

    @overload
    def step(self, closure: Callable[[], float]) -> float: ...

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """Let all parameters that have a gradient take one step; closure: computes the loss and the gradients anew."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        moving = [[p for p in group["params"] if p.grad is not None] for group in self.param_groups]
        for p in (p for parameters in moving for p in parameters):
            if p.grad is not None and p.grad.layout != torch.strided:
                raise BadInput(f"HL: the gradient of a parameter of shape {tuple(p.shape)} is sparse: allowed: dense")
        names = self._names
        made = [self._steps.setdefault(k, Steps()).of(group, names) for k, group in enumerate(self.param_groups)]
        for place, ((rule, c), parameters) in enumerate(zip(made, moving, strict=True)):
            if parameters and rule.kinetic.name != "classical":
                _move_together(rule, c, [b for b in self._arranged(place, parameters, rule) if isinstance(b, Bucket)])
                continue
            writes = rule.writes_drive(c, c.phi) or rule.writes_drive(c, c.phi_first)
            for bucket in self._arranged(place, parameters, rule) if parameters else ():
                bucket.move(partial(_move, rule, c), writes)
        return loss

    def _arranged(self, place: int, parameters: list[Tensor], rule: UpdateRule) -> list[Bucket | Large]:
        """The buckets of a group, as long as the same parameters move, with the same tensors in their state."""
        members = [(p, self.state[p]) for p in parameters]
        if place not in self._buckets or self._buckets[place][0] != _signature(members, rule):
            buckets = arranged(members, rule.slots, None if rule.kinetic.name != "classical" else self._scratch)
            self._buckets[place] = _signature(members, rule), buckets
        return self._buckets[place][1]

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a state, with its bits; raises BadInput for that of another rule, and changes nothing then."""
        saved: dict[str, Any] = {}

        def see(_: Optimizer, state: dict[str, Any]) -> None:
            refuse_unlike(state, self.param_groups)
            saved.update(state)

        last = self.register_load_state_dict_pre_hook(see)
        try:
            super().load_state_dict(state_dict)
        finally:
            last.remove()
        for p, state in costates(saved, self.param_groups):
            self.state[p] = state


def _move(rule: UpdateRule, c: Coefficients, weights: WeightState) -> None:
    apply(rule.drifts(weights, c, c.phi_first if weights.taken == 1 else c.phi))


def _move_together(rule: UpdateRule, c: Coefficients, buckets: list[Bucket]) -> None:
    """All omega before the first theta, which follows |omega| of several parameters."""
    parts = [bucket.load() for bucket in buckets]
    moved = [(part, rule.drifts(part, c, c.phi_first if part.taken == 1 else c.phi)) for part in parts]
    apply(rule.kinetic.follow(moved, c))
    for bucket in buckets:
        bucket.store()


def _signature(members: list[Member], rule: UpdateRule) -> list[Any]:
    """Which tensors a rule moves, and whether together; the buckets hold on to them: no other has the same id."""
    moved = [id(of) for p, state in members for of in (p, *(state.get(name) for name in ("omega", *rule.slots)))]
    return [rule.kinetic.name, *moved]
