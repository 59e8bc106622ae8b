"""The configs of a run: every field with its meaning, unit and range. Imports no torch, so that --help is quick.

Types and choices are checked by Hydra when it composes; ranges by
hl_cli.config.validation, before any work.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from omegaconf import MISSING

from hl_cli.config import registry
from hl_cli.config.arms import EXPECTATIONS, Arm, HamiltonianArm, StockArm
from hl_cli.config.credits import CreditConfig
from hl_cli.config.fields import described
from hl_cli.config.models import Model, Module, StateNet
from hl_cli.config.observers import Observe
from hl_cli.config.paths import Paths
from hl_cli.config.pytorch import PyTorch
from hl_cli.config.rules import Integrator, KineticConfig, Optimizer, Scenario
from hl_cli.config.schedules import SCHEDULES, Constant, Cosine, Schedule, Scheduler, Step, Warmup, WarmupCosine
from hl_cli.config.schemes import Scheme
from hl_cli.config.signals import SignalConfig
from hl_cli.config.stop import Stop
from hl_cli.config.stream import StreamConfig
from hl_cli.config.streams import Drift, Plugin
from hl_cli.config.study import Study
from hl_cli.config.sweep import Sweep
from hl_cli.config.tasks import GROUPS, TASKS
from hl_cli.types import ENGINES, FEEDS, REPORTS

__all__ = [
    "ARMS", "CREDITS", "INTEGRATORS", "KINETICS", "MODELS", "OBSERVERS", "SCENARIOS", "SCHEDULES",
    "SCHEMES", "STREAMS", "Arm", "Constant", "Cosine", "CreditConfig", "Drift", "HamiltonianArm",
    "Integrator", "KineticConfig", "Model", "Module", "Observe", "Optimizer", "Paths", "Plugin",
    "PyTorch", "Run", "Scenario", "Schedule", "Scheduler", "Scheme", "SignalConfig", "Split", "StateNet", "Step",
    "StockArm", "Stop", "StreamConfig", "Study", "Sweep", "Warmup", "WarmupCosine", "node_of", "register",
]  # fmt: skip


@dataclass
class Split:
    """Which part of the net is the state net, which the output net."""

    name: str = described(MISSING, "name of the split", choices=("output", "state", "state_output"))


@dataclass
class Run:
    """A side-by-side run."""

    stream: StreamConfig = MISSING
    model: Model = MISSING
    split: Split = MISSING
    scenario: Optimizer = MISSING
    scheme: Scheme = MISSING
    credit: CreditConfig | None = None
    integrator: Integrator = MISSING
    kinetic: KineticConfig | None = None
    schedule: Schedule = MISSING
    paths: Paths = MISSING
    arms: dict[str, Arm] = field(default_factory=dict)
    observe: dict[str, Observe] | None = None
    pytorch: PyTorch = field(default_factory=PyTorch)
    stop: Stop = field(default_factory=Stop)
    sweep: Sweep = field(default_factory=Sweep)
    study: Study = field(default_factory=Study)
    steps: int = described(5000, "weight steps", least=1, most=10**12)
    hold: int = described(1, "steps for which each sample is shown, to all arms", least=1, most=10**6)
    batch_size: int = described(1, "samples a step; 1 is learning over time", least=1, most=10**6)
    seed: int = described(0, "of weights, data split and order", least=0, most=2**32 - 1)
    dtype: str = described("float32", "of weights, states and data", choices=("float32", "float64"))
    device: str = described("cpu", "cpu, cuda, mps")
    threads: int = described(1, "CPU threads of torch; at batch 1 one is fastest", least=1, most=1024)
    parallel: str | None = described(
        None, "with torchrun and scheme=global: each process takes its part of the batch", choices=("data",)
    )
    tau: float = described(1.0, "Euler step of HL, time units", above=0)
    clip: float | None = described(
        None, "largest norm of the gradient of all weights, in every arm: clip_grad_norm_", above=0
    )
    clip_value: float | None = described(
        None, "largest element of the gradient, in every arm: clip_grad_value_", above=0
    )
    loss: str | None = described(
        None,
        "what is minimised; null: mse for values, cross_entropy for classes",
        choices=("cross_entropy", "mse", "binary"),
    )
    update_every: int = described(
        1, "learning periods between weight steps, in every arm: samples, or ticks with scheme=forward", least=1
    )
    checkpointing: str = described(
        "recompute",
        "what a state net keeps of T ticks: h at each, h at sqrt(T) of them, every tick's tape, or hardly anything: "
        "the ticks of an invertible net are undone",
        choices=("recompute", "segments", "store", "reverse"),
    )
    anchor_every: int = described(100, "checkpointing=reverse: ticks between kept states; 0: none", least=0)
    eval_every: int | None = described(
        None, "steps between held-out evaluations; 0: at the end only; null: 500, or more for at most 100", least=0
    )
    log_every: int | None = described(
        None, "steps between weight differences, physics, TensorBoard points; null: 50, or more for 1,000", least=1
    )
    log_histograms: bool = described(False, "histograms of theta and omega in TensorBoard, at the same steps")
    predictions: bool = described(
        False, "predictions.csv: time, target and what each arm said of it before it learnt, in the units of the data"
    )
    free_run: int = described(
        0, "ticks that all arms generate by themselves after the last step, weights frozen; 0: none", least=0
    )
    feed: str = described(
        "closed_loop",
        "what they see then: their own output, zeros, or the true inputs",
        choices=FEEDS,
    )
    engine: str = described(
        "eager",
        "replay: steps of HL without Python, the same bits; auto: where it can be; compiled: fused, round-off apart",
        choices=ENGINES,
    )
    checkpoint_every: int = described(
        5000, "steps between checkpoints, one more after the last; 0: at Ctrl-C and SIGTERM only", least=0
    )
    keep_checkpoints: int = described(2, "checkpoints that stay, the latest", least=1, most=10**6)
    report: str | None = described(
        None,
        "full; light: no pictures and pages, which hl-run report DIR makes; none: no TensorBoard either; "
        "null: light in a sweep, else full",
        choices=REPORTS,
    )
    dry_run: bool = described(False, "build everything, take a step, say what a run would write and how long it takes")
    only: list[str] | None = described(
        None, "the arms that take part, of those of arm= and of an experiment; null: all"
    )
    reference: str | None = described(
        None, "the arm that the others are measured against; null: the first of PyTorch, in the order of arm="
    )
    expect: str | None = described(
        None,
        "the verdict wanted of the arms that are meant to equal the reference, or better; any other exits 3",
        choices=EXPECTATIONS,
    )


registry.read_all()
STREAMS: tuple[type[StreamConfig], ...] = (*(one.kind for one in registry.choices("stream")), Plugin, Drift)
MODELS: dict[str, type[Model]] = {name: one.kind for one in registry.choices("model") for name in one.names}
CREDITS: tuple[type[CreditConfig], ...] = tuple(one.kind for one in registry.choices("credit"))
ARMS: tuple[type[Arm], ...] = (HamiltonianArm, StockArm, *(one.kind for one in registry.choices("arm")))
SCHEMES: tuple[type[Scheme], ...] = tuple(one.kind for one in registry.choices("scheme"))
SCENARIOS: tuple[type[Optimizer], ...] = (Scenario, *(one.kind for one in registry.choices("scenario")))
INTEGRATORS: tuple[type[Integrator], ...] = tuple(one.kind for one in registry.choices("integrator"))
KINETICS: tuple[type[KineticConfig], ...] = tuple(one.kind for one in registry.choices("kinetic"))
OBSERVERS: tuple[type[Observe], ...] = tuple(one.kind for one in registry.choices("observe"))


def node_of(kind: type) -> str:
    """What a preset calls the type of its config: /schema/NODE@_here_."""
    return kind.__name__.removesuffix("Config").lower()


def register() -> None:
    """Tell Hydra the types of the config groups; configs/ names them in its defaults lists."""
    from hydra.core.config_store import ConfigStore

    # Hydra copies its sources each time it composes; what is stored is copied when it is loaded, and that is enough
    ConfigStore.__deepcopy__ = lambda store, memo: store  # type: ignore[attr-defined]
    store = ConfigStore.instance()
    store.store(group="schema", name="run", node=Run)
    for task in TASKS.values():
        store.store(group="schema", name=task.name, node=task.kind)
    for kind in (
        *STREAMS,
        *MODELS.values(),
        Module,
        Split,
        *SCENARIOS,
        *SCHEMES,
        *CREDITS,
        *INTEGRATORS,
        *KINETICS,
        *SCHEDULES,
        Paths,
        *ARMS,
        *OBSERVERS,
        *(one.kind for one in registry.choices(*GROUPS)),
    ):
        store.store(group="schema", name=node_of(kind), node=kind)
    for one in registry.choices():
        for name in one.names:
            if not registry.preset(one.group, name).is_file():  # the defaults of its class
                package = {"arm": f"arms.{name}", "observe": f"observe.{name}"}.get(one.group, one.group)
                own = {"name": name} if "name" in one.kind.__dataclass_fields__ else {}  # type: ignore[attr-defined]
                store.store(group=one.group, name=name, package=package, node=one.kind(**own))
