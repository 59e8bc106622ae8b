"""engine=replay over 1,000 steps in bursts, the bits of eager steps, for all nets, splits, weights and dtypes."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Callable
from typing import Any

import pytest

from hl_cli.build import Comparison
from hl_cli.errors import NonFinite, RunawayWeights
from hl_cli.learners.equality import same_bits
from tests.covering import long
from tests.integration.test_matrix import OF_IMAGES, SPLITS, WITHOUT_MEMORY
from tests.learners.test_replayed_ticks import MODELS, ONLINE
from tests.one_by_one import taken

Build = Callable[..., Comparison]
pytestmark = [
    long,
    pytest.mark.skipif(not (shutil.which("g++") or shutil.which("clang++")), reason="no C++ compiler"),
]
STEPS, BURST = 1000, 250
MASSES = ("adam", "adamw", "nadam", "rmsprop", "adagrad")
WEIGHTS = [
    *((f"scenario={name}",) for name in ("gd_a", "gd_b", "mom_a", "mom_b", "nesterov")),
    *((f"scenario={name}", "scenario.lr=0.001") for name in MASSES),
    ("integrator=explicit_euler",),
    *((f"integrator={name}",) for name in ("dissipative_leapfrog", "nag")),
    ("integrator=rgd", "kinetic=relativistic", "kinetic.limit=0.1"),
    ("integrator=semi_implicit_euler", "kinetic=relativistic", "kinetic.limit=0.1"),
]
"""The dynamics of theta and omega."""
DTYPES = ("float32", "float64")
CREDITS = ("costate", "eligibility", "network")


def course(learner: Any, samples: list[Any]) -> list[Any]:
    """All that it says, where it stops, and what it then is: at the end, or at the step that is not finite."""
    out: list[Any] = []
    try:
        for k in range(0, len(samples), BURST):
            for record, _ in taken(learner, samples[k : k + BURST], False, lambda: []):
                out.append((record.prediction, record.loss))
    except (NonFinite, RunawayWeights) as stop:
        out.append((len(out), stop.args))
    return [out, learner.steps, learner.phase.theta.clone(), learner.phase.omega.clone()]


def check(build: Build, choice: list[str]) -> None:
    eager, replay = build(*choice), build(*choice, "engine=replay")
    samples = [next(eager.stream) for _ in range(STEPS)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        expected, found = course(eager.hl, samples), course(replay.hl, samples)
    assert same_bits(found, expected), choice
    assert replay.hl.replayed >= 0.9 * expected[1] - 10, choice


@pytest.mark.parametrize("weights", WEIGHTS, ids=lambda choice: "-".join(part.split("=")[1] for part in choice))
@pytest.mark.parametrize("model", [name for name in SPLITS if name != "antisymmetric"])
def test_samples(build: Build, model: str, weights: tuple[str, ...]) -> None:
    stream = "digits" if model in OF_IMAGES or model in WITHOUT_MEMORY else "iris"
    for split in SPLITS[model]:
        for dtype in DTYPES:
            check(build, [f"stream={stream}", f"model={model}", f"split={split}", f"dtype={dtype}", *weights])


@pytest.mark.parametrize("weights", WEIGHTS, ids=lambda choice: "-".join(part.split("=")[1] for part in choice))
@pytest.mark.parametrize("model", MODELS)
def test_ticks(build: Build, model: str, weights: tuple[str, ...]) -> None:
    explicit = "integrator=explicit_euler" in weights
    for credit in CREDITS[: 2 if explicit else 3]:  # network is not for the explicit order
        for dtype in DTYPES:
            check(build, [*ONLINE, f"model={model}", f"credit={credit}", f"dtype={dtype}", *weights])
