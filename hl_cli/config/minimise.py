"""The config of task=minimise: a search of the numbers of several methods on a function, with equal budgets.

It is a config of its own, beside that of a side-by-side run: what trains a net has no meaning here.
"""

from __future__ import annotations

from dataclasses import dataclass

from omegaconf import MISSING

from hl_cli.config.any_task import AnyTask
from hl_cli.config.fields import described
from hl_cli.config.functions import FunctionConfig

METHODS = ("momentum", "nag", "leapfrog", "relativistic", "rgd", "rgd_alpha", "adam")


@dataclass
class Minimise(AnyTask):
    """A search on a function."""

    function: FunctionConfig = MISSING
    task: str = described("minimise", "what is done", choices=("minimise",))
    methods: list[str] = described([*METHODS], f"what is compared: {', '.join(METHODS)}")
    trials: int | None = described(
        None, "settings that each method tries; null: 120 for matrix_completion, else 200", least=1, most=10**5
    )
    steps: int | None = described(
        None,
        "gradient evaluations of a trial; null: 500 for quadratic, 2000 rosenbrock, 1000 quartic, 60 matrix_completion",
        least=1,
        most=10**7,
    )
    checkpoint_every: int = described(1, "replicates between checkpoints; 0: at Ctrl-C and SIGTERM only", least=0)
    seeds: int = described(5, "replicates: new instances of the function, with new trials", least=1, most=1000)
    transfer: int = described(4, "fresh instances a replicate, on which the best setting is judged", least=1, most=1000)
    seed: int = described(0, "of instances and trials", least=0, most=2**32 - 1)
    threads: int = described(1, "CPU threads of torch", least=1, most=1024)
    lr: list[float] = described([1e-6, 10.0], "range of learning rates, log-uniform", above=0)
    friction: list[float] = described([1e-3, 1.0], "range of 1 - momentum, Adam's 1 - b1, log-uniform", above=0, most=1)
    delta: list[float] = described([1e-6, 100.0], "range of delta: steps are bounded by 1/sqrt(delta)", above=0)
    alpha: list[float] = described([0.0, 1.0], "range of RGD's alpha, uniform", least=0, most=1)
    forgetting: list[float] = described([1e-4, 0.1], "range of Adam's 1 - b2, log-uniform", above=0, most=1)
    dry_run: bool = described(False, "say what would be searched and written, and how long it takes")
