"""The config of task=forecast: variational integrator networks and rivals on windows of trajectories of a system."""

from __future__ import annotations

from dataclasses import dataclass

from omegaconf import MISSING

from hl_cli.config.any_task import AnyTask
from hl_cli.config.fields import described
from hl_cli.config.systems import SystemConfig

ARMS = ("vin_vv", "vin_sv", "vin_so2", "vin_pairs", "direct", "euler", "residual", "residual2", "gru")


@dataclass
class Forecast(AnyTask):
    """A forecast of a system."""

    system: SystemConfig = MISSING
    task: str = described("forecast", "what is done", choices=("forecast",))
    arms: list[str] | None = described(
        None,
        f"what is compared: {', '.join(ARMS)}; null: all but vin_so2 where positions are no angles, and "
        "vin_pairs where there are no bodies",
    )
    trajectories: int = described(50, "that are observed, in each replicate", least=1, most=10**5)
    points: int = described(31, "of an observed trajectory", least=3, most=10**5)
    dt: float | None = described(
        None, "time between points, and the step of every arm; null: 0.1, for a series 1 row", above=0
    )
    noise: float | None = described(
        None,
        "standard deviation of what is added to observed positions and velocities; null: that of the system",
        least=0,
    )
    window: int = described(11, "points of a window, on which arms are trained", least=2, most=10**4)
    stride: int = described(2, "points between windows of one trajectory", least=1, most=10**4)
    hidden: int = described(64, "units of a hidden layer", least=1, most=4096)
    steps: int = described(1200, "weight steps of every arm", least=1, most=10**6)
    batch_size: int = described(256, "windows of a step, or all where there are fewer", least=1, most=10**6)
    lr: float = described(1e-2, "Adam's rate for weights, on a cosine to 0", above=0)
    start_lr: float = described(9e-4, "the same for the start of each window, which is inferred", least=0)
    clip: float = described(1.0, "largest norm of the gradient of a replicate", above=0)
    horizon: int | None = described(
        None, "steps of the forecast; null: 1000, 300 for three_body, 200 for a series", least=2, most=10**6
    )
    near: int = described(100, "steps over which the nearer of both errors is taken", least=1, most=10**6)
    starts: int = described(50, "fresh starts, without noise, from which is forecast", least=1, most=10**4)
    seeds: int = described(3, "replicates: other trajectories, noise, weights, starts", least=1, most=1000)
    seed: int = described(0, "of all of them", least=0, most=2**32 - 1)
    dtype: str = described("float32", "of weights and forecasts", choices=("float32", "float64"))
    threads: int = described(1, "CPU threads of torch", least=1, most=1024)
    dry_run: bool = described(False, "say what would be trained and written, and how long it takes")
