"""What a soak finds. It is raised in a process that has loaded next to nothing, so that some kinds stay light."""

from __future__ import annotations

import os


class Fault(AssertionError):
    """Something that must not happen."""


def ended(child: int) -> int:
    """Wait for a child; its exit code, or minus the signal that ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
