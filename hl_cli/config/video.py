"""The config of task=video: a Hamiltonian generative network and rivals on videos of a scene."""

from __future__ import annotations

from dataclasses import dataclass

from omegaconf import MISSING

from hl_cli.config.any_task import AnyTask
from hl_cli.config.fields import described
from hl_cli.config.scenes import SceneConfig

ARMS = ("hamiltonian", "residual", "gru")


@dataclass
class Video(AnyTask):
    """Motion learnt from frames."""

    scene: SceneConfig = MISSING
    task: str = described("video", "what is done", choices=("video",))
    arms: list[str] | None = described(None, f"what is compared: {', '.join(ARMS)}; null: all")
    size: int = described(16, "rows and columns of a frame", least=4, most=256)
    dt: float | None = described(None, "time between frames; null: that of the scene", above=0)
    videos: int = described(1000, "for training, in each replicate", least=1, most=10**6)
    frames: int = described(30, "of a training video", least=2, most=10**4)
    shown: int = described(5, "first frames, all that the encoder sees", least=1, most=10**4)
    judged: int = described(200, "fresh videos on which arms are judged", least=2, most=10**5)
    horizon: int | None = described(
        None, "frames of a rollout, from frame 0 on; null: three times frames=, or as many as there are", least=2
    )
    back: int | None = described(
        None, "frames of a rollout back in time; null: as many as frames=, or a third of what is there beside them",
        least=0,
    )  # fmt: skip
    positions: int | None = described(
        None, "coordinates of the learnt q, and of p; null: 2, or 4 for two_body", least=1, most=1024
    )
    code: int = described(8, "of z, the code of a video", least=1, most=1024)
    hidden: int = described(128, "units of a hidden layer of encoder and decoder", least=2, most=4096)
    units: int = described(64, "units of a hidden layer of the motion", least=1, most=4096)
    kl_weight: float = described(0.01, "of the divergence of z from N(0, I), in the loss", least=0)
    steps: int = described(1500, "weight steps of every arm", least=1, most=10**7)
    batch_size: int = described(64, "videos of a step, or all where there are fewer", least=1, most=10**5)
    decoded: int | None = described(
        15, "frames of a video that are decoded and compared in a step, drawn anew; null: all", least=1
    )
    lr: float = described(4e-3, "Adam's rate, on a cosine to 0", above=0)
    clip: float = described(5.0, "largest norm of the gradient of a replicate", above=0)
    seeds: int = described(3, "replicates: other videos, weights, noise; trained side by side", least=1, most=1000)
    seed: int = described(0, "of all of them", least=0, most=2**32 - 1)
    dtype: str = described("float32", "of weights and rollouts", choices=("float32", "float64"))
    device: str = described("cpu", "cpu, cuda, mps")
    threads: int = described(1, "CPU threads of torch", least=1, most=1024)
    dry_run: bool = described(False, "say what would be trained and written, and how long it takes")
