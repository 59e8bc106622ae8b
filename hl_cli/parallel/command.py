"""What rank 0 may ask of the other processes."""

from enum import IntEnum


class Command(IntEnum):
    """What rank 0 tells the others to do next."""

    END = 0
    STEPS = 1
    OBSERVED_STEPS = 2
    COLLECT = 3
    SAVE = 4
    LOAD = 5
    REPORT = 6
    WHERE = 7
    MOVE = 8
