"""The config of task=density: flows and a mixture learn the density of points, on the same points."""

from __future__ import annotations

from dataclasses import dataclass

from omegaconf import MISSING

from hl_cli.config.any_task import AnyTask
from hl_cli.config.data import DataConfig
from hl_cli.config.fields import described

ARMS = ("nhf", "nhf_fixed", "realnvp", "gmm")


@dataclass
class Density(AnyTask):
    """Densities of points."""

    data: DataConfig = MISSING
    task: str = described("density", "what is done", choices=("density",))
    arms: list[str] = described([*ARMS], f"what is compared: {', '.join(ARMS)}")
    parameters: int = described(18_000, "of a flow at most; the width of its nets follows", least=10, most=10**8)
    flows: int = described(4, "Hamiltonians of nhf and nhf_fixed", least=1, most=100)
    leapfrogs: int = described(4, "steps of each Hamiltonian", least=1, most=1000)
    couplings: int = described(6, "of realnvp", least=2, most=100)
    components: list[int] = described([1, 2, 4, 8, 16, 32], "numbers of Gaussians that gmm chooses from", least=1)
    steps: int = described(600, "weight steps of every flow", least=1, most=10**6)
    batch_size: int = described(256, "points of a step", least=1, most=10**6)
    rates: list[float] = described(
        [2.5e-3, 5e-3, 1e-2, 2e-2, 4e-2],
        "Adam's rates, on a cosine to 0: each flow tries all on a replicate of its own, for the best; one: no search",
        above=0,
    )
    tune_steps: int = described(200, "weight steps of each rate that is tried", least=1, most=10**6)
    clip: float = described(5.0, "largest norm of the gradient of a replicate", above=0)
    bound_samples: int = described(200, "momenta of a point in the importance bound", least=1, most=10**6)
    samples: int = described(1000, "points drawn from each arm, at most as many as are held out", least=2, most=10**5)
    grid: int | None = described(
        None, "points of a side of the density picture; null: 80 in the plane, else none", least=8, most=1000
    )
    grid_samples: int = described(32, "momenta of a point there", least=1, most=10**5)
    seeds: int = described(3, "replicates: other points, weights, noise", least=1, most=1000)
    seed: int = described(0, "of all of them", least=0, most=2**32 - 1)
    dtype: str = described("float32", "of weights and points", choices=("float32", "float64"))
    threads: int = described(1, "CPU threads of torch", least=1, most=1024)
    dry_run: bool = described(False, "say what would be trained and written, and how long it takes")
