"""A scheme: HL whose weights are driven by every k-th sample alone; between them they go on by their momentum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from omegaconf import MISSING

from hl_cli.config import schemes
from hl_cli.config.fields import described
from hl_cli.config.registry import choice
from hl_cli.learners.hamiltonian import HamiltonianLearner
from hl_cli.schemes.base import Scheme, Setting


@choice("scheme", "patient", home="Patient")
@dataclass
class PatientConfig(schemes.Scheme):
    """The weights are driven by every k-th sample alone."""

    name: str = described(MISSING, "name in files and titles", choices=("patient",))
    every: int = described(2, "samples, of which one drives the weights", least=1)


class PatientLearner(HamiltonianLearner):
    def __init__(self, *arguments: Any, every: int, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.every = every

    def _clip_drive(self) -> None:
        super()._clip_drive()
        if self.steps % self.every:
            self.phase.flat_drive.zero_()


class Patient(Scheme):
    def __init__(self, every: int) -> None:
        self.every = every

    def learner(self, of: Setting) -> PatientLearner:
        return PatientLearner(**of.parts, every=self.every)

    def another_method(self, integrator: str, window: int | None) -> str:
        return "" if self.every == 1 else "it leaves samples out"
