r"""The verdict of a run.

    identical   every weight equal bit for bit at every compared step
    round_off   not identical, but at every measured step no further apart than 10 times the noise floor so far
    different   further than that
    diverged    a learner met a value that is not finite
    undecided   no target counted, so that nothing was learnt

The noise floor is the distance between PyTorch and the same PyTorch run started one ulp away, on the same stream.
It tells chaos from error: where round-off itself grows, the floor grows with it. It is replayed only when needed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from hl_cli.compare.differences import Differences
from hl_cli.compare.draws import Draws, Drew
from hl_cli.compare.side_by_side import Divergence
from hl_cli.errors import NonFinite
from hl_cli.learners.base import Learner
from hl_cli.streams.base import Stream

TOLERANCE = 10.0
EXPECTATIONS = {"identical": ("identical",), "round_off": ("identical", "round_off")}


@dataclass(frozen=True)
class Verdict:
    """The word, the sentence that explains it, and the noise floor at each measured step where it was needed."""

    word: str
    reason: str
    noise_floor: dict[int, float] | None = None

    def meets(self, expect: str | None) -> bool:
        """Tell whether the verdict is what the user expects: that or better."""
        return expect is None or self.word in EXPECTATIONS[expect]


def one_ulp_away(learner: Learner, seed: int) -> None:
    """Move each weight to the next floating-point number, up or down by the flip of a seeded coin."""
    coin = torch.Generator().manual_seed(seed)
    for w in learner.weights().values():
        up = torch.rand(w.shape, generator=coin).to(w.device) < 0.5
        toward = torch.where(up, torch.full_like(w, torch.inf), torch.full_like(w, -torch.inf))
        w.copy_(torch.nextafter(w, toward))


def noise_floor(
    stream: Stream,
    make: Callable[[], Learner],
    measured: list[int],
    seed: int,
    stop: Callable[[], bool] = lambda: False,
    draws: Draws | None = None,
) -> dict[int, float]:
    """Replay PyTorch and its neighbour one ulp away; largest distance so far at each measured step.

    stream: at the state in which the run began; make: PyTorch with the initial weights. Once either diverges the
    floor is infinite. stop() breaks the replay off: later steps are then missing. draws: of nets that draw random
    numbers, so that both draw the same.
    """
    here, there = make(), make()
    one_ulp_away(there, seed)
    apart = Differences(there.weights(), here.weights())
    floor: dict[int, float] = {}
    highest, wanted = 0.0, set(measured)
    for step in range(1, max(measured, default=0) + 1):
        if stop():
            break
        sample = next(stream)
        try:
            for learner in (here, there) if draws is None else draws.each((here, there)):
                learner.step(sample)
        except NonFinite:
            return {s: floor.get(s, torch.inf) for s in measured}
        if step in wanted:
            highest = max(highest, apart.measure(apart.snapshot("hl"), apart.snapshot("pytorch")).max_abs)
            floor[step] = highest
    return floor


def judge(
    first_difference: int | None,
    apart: dict[int, float],
    diverged: list[Divergence],
    tau: float,
    replay: Callable[[list[int]], dict[int, float]],
    learnt: bool = True,
    another_method: str = "",
    compared: str = "every step",
    drift: float | None = None,
    drew: Drew = Drew.NOTHING,
) -> Verdict:
    """Find the verdict; apart: step to largest weight difference; replay(steps) gives the noise floor, or nothing.

    learnt: whether any target counted; another_method: why HL is not meant to equal PyTorch here, so that the noise
    floor would say nothing; compared: at which steps weights were compared; drift: of states that HL rebuilt
    (checkpointing=reverse). It is no excuse: the floor stays the same, but the reason names it. drew: what random
    numbers the nets drew; where they drew differently, they did not compute the same.
    """
    if diverged:
        each = (f"step {d.step}: the {d.quantity} of {d.learner} {d.how} (tau = {tau:g})" for d in diverged)
        equal = "; the weights were equal up to there" if first_difference is None and apart else ""
        advice = "; ".join(dict.fromkeys(d.advice for d in diverged))
        cause = "the data are to blame" if any("sample" in d.quantity for d in diverged) else advice
        return Verdict("diverged", f"{'; '.join(each)}{equal}; {cause}")
    if not learnt:
        return Verdict("undecided", "no target counted at any step: nothing was learnt, and nothing compared")
    if first_difference is None:
        return Verdict("identical", f"every weight equal bit for bit at {compared}")
    if another_method:
        return Verdict("different", f"first difference at step {first_difference}; {another_method}")
    if drew is Drew.OTHERWISE:
        unlike = "the net draws random numbers, and this arm drew others than the reference"
        return Verdict("different", f"first difference at step {first_difference}; {unlike}")
    rebuilt = (
        "" if drift is None else f"; HL rebuilt its states (checkpointing=reverse) with a drift of at most {drift:.3g}"
    )
    floor = replay(sorted(apart))
    if not floor:
        unknown = "the noise floor was not measured, so this is not shown to be round-off"
        return Verdict("different", f"first difference at step {first_difference}; {unknown}{rebuilt}")
    times = {step: _ratio(apart[step], floor[step]) for step in apart if step in floor}
    worst = max(times, key=lambda step: times[step])
    word = "round_off" if times[worst] <= TOLERANCE else "different"
    partly = f"; judged by the steps up to {max(times)}" if len(times) < len(apart) else ""
    return Verdict(
        word,
        f"first difference at step {first_difference}; at most {times[worst]:.3g} times the noise floor "
        f"(step {worst}: {apart[worst]:.3g} against {floor[worst]:.3g}; up to {TOLERANCE:g} times counts as "
        f"round-off{partly}){rebuilt}",
        floor,
    )


def _ratio(gap: float, floor: float) -> float:
    if gap == 0.0:
        return 0.0
    return gap / floor if floor > 0 else torch.inf
