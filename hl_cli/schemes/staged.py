"""What the schemes share in which each block is on its own: where the blocks lie, and what does not go with them."""

from __future__ import annotations

from typing import Any, ClassVar

from hl_cli.errors import BadInput, NoSuchCombination
from hl_cli.learners.device import check_device
from hl_cli.learners.pipeline import Pipeline
from hl_cli.networks.cuts import Cut
from hl_cli.schemes.base import Scheme, Setting


class Staged(Scheme):
    """name: of the scheme; of: its learner; options: of that learner, beside where the blocks lie."""

    whole = False
    name: ClassVar[str]
    of: ClassVar[type[Pipeline]]

    def __init__(self, blocks: Any, devices: list[str] | None, **options: Any) -> None:
        self.cut, self.devices, self.options = _cut(blocks), devices or [], options

    def learner(self, of: Setting) -> Any:
        """A chain of blocks, in one process or several."""
        if of.parallel is not None:
            raise NoSuchCombination(f"parallel={of.parallel}: scheme={self.name} has its own; allowed: scheme=global")
        if of.checkpointing != "recompute":
            raise NoSuchCombination(
                f"checkpointing={of.checkpointing}: blocks of a feed-forward net have no ticks to keep; allowed with "
                f"scheme={self.name}: recompute"
            )
        for device in self.devices:
            check_device(device, of.dtype, "scheme.devices")
        return self.of(**of.parts, cut=self.cut, devices=self.devices, world=of.world, **self.options)


def _cut(blocks: Any) -> Cut:
    """Check what a config says of the blocks."""
    numbers = blocks if isinstance(blocks, list) else [blocks]
    if blocks is not None and not all(type(number) is int for number in numbers):
        raise BadInput(f"scheme.blocks={blocks}: allowed: null, a whole number, or a list of whole numbers")
    found: Cut = blocks
    return found
