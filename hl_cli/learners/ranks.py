"""An HL arm that is spread over processes: how its ranks keep in step. In one process all of this costs nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from hl_cli.errors import NonFinite
from hl_cli.parallel.command import Command
from hl_cli.parallel.world import World


class Ranks:
    """world: the processes; all of them call the same methods in the same order, rank 0 first."""

    def __init__(self, world: World | None) -> None:
        self.world = world or World()

    def expect(self, steps: int, observe: bool) -> None:
        """Let all ranks take so many steps without asking at each, the last one observed or not."""
        self.world.owed = steps
        if self.world.rank == 0:
            self.world.lead(Command.OBSERVED_STEPS if observe else Command.STEPS, steps)

    @contextmanager
    def one_step(self, observe: bool) -> Iterator[None]:
        """Count a step, announced here if nobody has; what is not finite ends the steps of all ranks."""
        if not self.world.owed:
            self.expect(1, observe)
        try:
            yield
            self.world.owed -= 1
        except NonFinite:
            self.world.owed = 0
            raise

    def agree(self, fault: NonFinite | None) -> None:
        """Raise in all ranks what any of them met."""
        if self.world.agree(0 if fault is None else 1) and self.world.size > 1:
            met = [quantity for quantity in self.world.gather_objects(fault and fault.quantity) if quantity]
            fault = NonFinite(met[0] if met else "a value of another rank")
        if fault is not None:
            raise fault
