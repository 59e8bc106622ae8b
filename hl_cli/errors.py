"""The errors a user can meet. Each is one line: what was wrong, where, and what is allowed."""

from __future__ import annotations

import re

LONGEST = 300  # characters of a word in a message


def cut(text: str) -> str:
    """A text with the middle of its long words left out, so that a message stays a line."""
    return re.sub(rf"\S{{{LONGEST},}}", lambda word: f"{word[0][:40]}...{word[0][-20:]}", text)


class BadInput(ValueError):
    """A config value, a file or a folder that the run cannot take; raised before anything is written."""


class BadSample(BadInput):
    """A stream failed, or gave what no learner can take, at some step; the steps before it are done."""


class NoSuchCombination(BadInput):
    """Choices that are each allowed and have no meaning together; a sweep skips such a job, and says why."""


class NonFinite(ArithmeticError):
    """A learner met a NaN or an infinity; raised before its weights change.

    quantity: what was not finite, in the words of the summary ("loss", "weight costate", "gradient").
    """

    how = "is not finite"
    advice = "try a smaller learning rate"

    def __init__(self, quantity: str) -> None:
        super().__init__(f"{quantity} {self.how}")
        self.quantity = quantity


class Unbounded(NonFinite):
    """The costates of the neurons grow without bound: every number is finite still, and none is of any use."""

    how = "grows without bound"
    advice = "try a larger scheme.eta_z, or a smaller tau"


class RunawayWeights(Unbounded):
    """Weights that grew beyond any use, and took what costates are measured by along with them."""

    advice = "try a smaller learning rate"


class LostRank(RuntimeError):
    """A process of the run has gone, so that the others cannot go on; the text names it."""
