"""Several processes as one run, started by torchrun: who they are, what they say to one another, and who is missing."""

import os

from hl_cli.errors import BadInput


def number(name: str, default: str) -> int:
    """A whole number from the environment; raises BadInput for anything else."""
    said = os.environ.get(name, default)
    if not said.isdecimal():
        raise BadInput(f"{name}={said} in the environment: allowed: a whole number, as torchrun sets it")
    return int(said)


def launched() -> int:
    """How many processes the launcher started; 1 without one. Raises BadInput, as `rank` does."""
    return number("WORLD_SIZE", "1")


def called() -> list[str]:
    """The words by which the program was started, before its arguments."""
    several = launched() > 1
    return ["torchrun", "--nproc-per-node", str(launched()), "-m", "hl_cli"] if several else ["hl-run"]


def rank() -> int:
    """Which of them this is."""
    return number("RANK", "0") if launched() > 1 else 0
