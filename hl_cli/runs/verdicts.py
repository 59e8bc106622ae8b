"""The verdicts of a run: each arm judged against the reference, with one noise floor for all of them."""

from __future__ import annotations

from hl_cli.build import Comparison
from hl_cli.compare.arm import ANOTHER_NET, Arm
from hl_cli.compare.draws import Drew
from hl_cli.compare.pairs import Pairs
from hl_cli.compare.running_metrics import RunningMetrics
from hl_cli.compare.verdict import Verdict, judge, noise_floor
from hl_cli.config import Run
from hl_cli.reporting import console
from hl_cli.runs.signals import Interruption

REPLAY_AFTER_SIGNAL = 1000  # steps: whoever sends a signal wants the files soon


class NoiseFloor:
    """The reference and its neighbour one ulp away, replayed at most once, over all steps that were measured."""

    def __init__(self, cfg: Run, built: Comparison, tally: RunningMetrics, stop: Interruption) -> None:
        self._seed, self._built, self._stop = cfg.seed, built, stop
        self._steps = sorted({step for apart in tally.apart.values() for step in apart})
        self._draws = built.draws if tally.drew else None
        self._found: dict[int, float] | None = None

    def __call__(self, steps: list[int]) -> dict[int, float]:
        """The floor at these steps; after a signal only at the first, nothing where there is no fresh reference."""
        if self._found is None:
            self._found = self._replay()
        return {step: self._found[step] for step in steps if step in self._found}

    def _replay(self) -> dict[int, float]:
        built, stop, steps = self._built, self._stop, self._steps
        make, stopped = built.fresh_reference, stop()
        if stopped:
            steps = [step for step in steps if step <= REPLAY_AFTER_SIGNAL]
        if make is None or not steps:
            return {}
        label = built.labels[str(built.reference)]
        console.say(f"  the weights differ: running {label} twice more over {max(steps)} steps for the noise floor")
        try:
            return noise_floor(
                built.fresh_stream(), make, steps, self._seed, lambda: not stopped and stop(), self._draws
            )
        except KeyboardInterrupt:
            return {}


def verdicts(
    cfg: Run, built: Comparison, pairs: Pairs, tally: RunningMetrics, stop: Interruption
) -> dict[str, Verdict]:
    """One for each arm but the reference, in their order; of the only arm where there is one alone."""
    floor = NoiseFloor(cfg, built, tally, stop)
    judged = [arm for name, arm in built.arms.items() if name != built.reference]
    return {arm.name: _verdict(cfg, built, pairs, tally, floor, arm) for arm in judged}


def _verdict(cfg: Run, built: Comparison, pairs: Pairs, tally: RunningMetrics, floor: NoiseFloor, arm: Arm) -> Verdict:
    diverged = [d for d in tally.diverged if d.learner in (arm.name, built.reference)]
    differences, apart = pairs.of.get(arm.name), tally.apart.get(arm.name, {})
    elsewhere = arm.learner.weights_elsewhere
    tau = arm.coefficients.tau if arm.coefficients else cfg.tau
    if differences is None and not diverged:
        why = "one arm alone: there is nothing to compare it with"
        if built.reference is not None:
            why = f"{arm.another_method or ANOTHER_NET}: only scores are compared"
        return Verdict("not_compared", why)
    return judge(
        differences.first_step if differences else None,
        apart,
        diverged,
        tau,
        floor,
        tally.learnt,
        arm.another_method,
        f"{len(apart)} compared steps" if elsewhere else "every step",
        getattr(arm.learner, "drift", None),
        tally.drew.get(arm.name, Drew.NOTHING),
    )


def meets(cfg: Run, built: Comparison, found: dict[str, Verdict]) -> bool:
    """Whether each verdict is what was expected of its arm: that or better.

    `expect` of the run is meant for the arms that are meant to equal the reference; where none is, for the first.
    """
    meant = [name for name in found if not built.arms[name].another_method] or list(found)[:1]
    for name, verdict in found.items():
        expect = built.arms[name].expect or (cfg.expect if name in meant else None)
        if not verdict.meets(expect):
            return False
    return True
