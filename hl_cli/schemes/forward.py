"""scheme=forward: nothing ends; states, costates and weights move forward together, tick by tick."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

from omegaconf import MISSING

from hl_cli.config import schemes
from hl_cli.config.fields import described
from hl_cli.config.registry import choice
from hl_cli.credit.base import Kind
from hl_cli.credit.costate import COSTATE
from hl_cli.errors import BadInput, NoSuchCombination
from hl_cli.schemes.base import ENGINES, Scheme, Setting


@choice("scheme", "forward", home="Forward")
@dataclass
class ForwardConfig(schemes.Scheme):
    """States and costates are carried from tick to tick without an end, and the weights move at each."""

    name: str = described(MISSING, "name in files and titles", choices=("forward",))
    eta_z: float = described(0.0, "dissipation of the neuron costates, 1/time, beside their leak", least=0)
    rate: float | None = described(
        None, "leak rate of the neurons, 1/time; null: 1/tau, no memory but the net's", above=0
    )
    sign: int = described(
        -1, "-1: costates run forward in time; 1: the plain Hamilton equations, unstable so", choices=(-1, 1)
    )
    reset: str = described(
        "never",
        "what rests before each sample: all, the states (h), or what carries credit (z)",
        choices=("never", "sample", "h", "z"),
    )
    carry: bool = described(
        True, "costates are carried from tick to tick; false: zeroed before each, truncated BPTT with window 1"
    )
    rise: int = described(0, "ticks in which phi rises from 0 to its value", least=0)


class Forward(Scheme):
    """A credit over a net whose neurons go on."""

    engines = ("eager", "replay", "compiled")
    online = True

    def __init__(self, rate: float | None, reset: str, **options: Any) -> None:
        self.rate, self.reset, self.options = rate, reset, options

    def learner(self, of: Setting) -> Any:
        """In one process."""
        if of.world.size > 1 or of.parallel is not None:
            raise BadInput("scheme=forward: allowed in one process")
        tau = of.coefficients.tau
        if self.rate is not None and not self.rate * tau <= 1.0:
            raise BadInput(f"scheme.rate={self.rate} (tau={tau:g}): allowed: up to 1/tau, {1 / tau:g}")
        parts = of.parts | {"coefficients": replace(of.coefficients, rate=self.rate)}
        return ENGINES[of.engine](**parts, credit=of.credit.make, **self._told(of.credit), **of.credit.options)

    def _told(self, credit: Kind) -> dict[str, Any]:
        """The fields of the scheme that mean something to a kind of credit; raises NoSuchCombination for others."""
        usual = {field.name: field.default for field in fields(ForwardConfig)}
        for name, value in self.options.items():
            if name not in ("rise", *credit.of_scheme) and value != usual[name]:
                raise NoSuchCombination(
                    f"scheme.{name}={value}: credit={credit.name} carries no costate from tick to tick; "
                    f"allowed with credit={COSTATE.name}"
                )
        return {"reset": self.reset, **{name: self.options[name] for name in ("rise", *credit.of_scheme)}}

    def unrecorded(self, of: Setting) -> str:
        """Where ticks leave more than tensors for the next."""
        if of.credit.make.recordable:
            return ""
        return f" (credit={of.credit.name}): allowed: credit=costate, eligibility, network; engine=eager"

    def another_method(self, integrator: str, window: int | None) -> str:
        """Only with zeroed costates, and against truncated BPTT with window 1, is it meant to be SGD."""
        of = self.options
        plain = (self.rate, of["sign"], of["rise"], integrator) == (None, -1, 0, "semi_implicit_euler")
        if not of["carry"] and plain and window in (1, None):
            return ""
        return "forward credit is a method of its own: compare the curves, not the weights"
