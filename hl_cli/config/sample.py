"""The config of task=sample: chains of several samplers on a target, from the same starts.

It is a config of its own, beside that of a side-by-side run: nothing learns there.
"""

from __future__ import annotations

from dataclasses import dataclass

from omegaconf import MISSING

from hl_cli.config.any_task import AnyTask
from hl_cli.config.fields import described
from hl_cli.config.targets import TargetConfig

METHODS = ("hmc", "implicit", "explicit")


@dataclass
class Sample(AnyTask):
    """Chains on a target."""

    target: TargetConfig = MISSING
    task: str = described("sample", "what is done", choices=("sample",))
    methods: list[str] = described([*METHODS], f"what is compared: {', '.join(METHODS)}")
    chains: int = described(20, "chains of a replicate", least=2, most=10**4)
    draws: int = described(200, "draws of a chain", least=4, most=10**7)
    warmup: int = described(50, "draws that are not kept", least=0, most=10**7)
    seeds: int = described(3, "replicates: other starts, other noise", least=1, most=1000)
    step: list[float] | None = described(None, "step size of each method, in their order; null: of the target", above=0)
    length: list[int] | None = described(None, "steps of a trajectory of each method; null: of the target", least=1)
    jitter: float = described(0.3, "a trajectory has that share more or fewer steps at most", least=0, below=1)
    metric: str | None = described(
        None, "G of implicit and explicit; null: that of the target", choices=("fisher", "softabs", None)
    )
    softabs: float = described(1e6, "alpha of SoftAbs: curvatures below 1/alpha are levelled", above=0)
    whiten: bool | None = described(None, "whiten the coordinates at the mode; null: as the target advises")
    omega: float = described(1.0, "binding of the two copies of explicit", least=0)
    tolerance: float = described(1e-6, "of the fixed points of implicit", above=0)
    iterations: int = described(30, "of a fixed point, at most", least=1, most=10**4)
    accept: str = described(
        "projected",
        "what accepts explicit: H(q, p), or the exact energy of both copies",
        choices=("projected", "exact"),
    )
    spread: float = described(0.1, "distance at which the second copy begins, with accept=exact", above=0)
    tune: bool = described(False, "search step and length of each method with equal budgets first")
    tune_trials: int = described(18, "settings that each method tries", least=1, most=1000)
    tune_evaluations: int = described(30_000, "evaluations of each chain that a method may spend on it", least=10)
    checkpoint_every: int = described(
        100,
        "draws between checkpoints, one more after each method and each setting that is tried; 0: at Ctrl-C and "
        "SIGTERM only",
        least=0,
    )
    seed: int = described(0, "of starts and noise", least=0, most=2**32 - 1)
    threads: int = described(1, "CPU threads of torch", least=1, most=1024)
    dry_run: bool = described(False, "say what would be drawn and written, and how long it takes")
