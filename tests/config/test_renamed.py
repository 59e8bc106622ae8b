"""Names of before keep working, with a warning."""

from __future__ import annotations

import pytest
import torch

import hl_cli
from hl_cli.dynamics.accumulator import NO_GRADIENT, GradientAccumulator
from hl_cli.dynamics.hamiltonian import Costate, State
from hl_cli.networks.blocks import Block, Pulled, Tape
from hl_cli.networks.chain import Chain


def test_a_block_of_before_keeps_working() -> None:
    """A user's own block may have been written with the names that these methods had."""
    with pytest.warns(DeprecationWarning, match="Doubled.pull_back is now called vjp"):

        class Doubled(Block):
            def record(self, x: torch.Tensor, h: State, want_x: bool = True) -> tuple[State, Tape]:
                return (2 * x,), None

            def pull_back(
                self, tape: Tape, z: Costate, drive: GradientAccumulator, want_x: bool = True, want_h: bool = True
            ) -> Pulled:
                assert z[0] is not None
                return Pulled(2 * z[0], ())

    assert Chain([Doubled([])]).vjp([None], (torch.ones(1),), NO_GRADIENT).x == 2


def test_the_rule_of_a_learner_may_be_called_integrator() -> None:
    net = torch.nn.Linear(2, 2)
    with pytest.warns(DeprecationWarning, match="integrator= is now called rule="):
        hl = hl_cli.HamiltonianLearner(
            hl_cli.split_of(net, output=net), torch.nn.functional.cross_entropy, hl_cli.physics_of(hl_cli.SGD(0.1)),
            integrator=hl_cli.explicit_euler,
        )  # fmt: skip
    assert hl.rule is hl_cli.explicit_euler
