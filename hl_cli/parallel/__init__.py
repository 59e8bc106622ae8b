"""Several processes as one run, started by torchrun: who they are, what they say to one another, and who is missing."""

import os


def launched() -> int:
    """How many processes the launcher started; 1 without one."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def rank() -> int:
    """Which of them this is."""
    return int(os.environ.get("RANK", "0")) if launched() > 1 else 0
