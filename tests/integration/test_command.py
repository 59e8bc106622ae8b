"""hl-run as a process: what a run prints and leaves behind, and that it is the same again."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path

import matplotlib.pyplot as plt
import pytest
from omegaconf import OmegaConf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from hl_cli.build import Comparison
from tests.process import FILES, HEADERS, hl_run_from_nothing, rows, state_of, summary_of
from tests.warm import Said, hl_run

OPTIONS = ["steps=120", "log_every=10", "eval_every=50", "seed=3"]
PHI, PHI_FIRST = 0.7, 1.0  # of scenario mom_b, the default
First = tuple[Path, Said]


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> First:
    """The folder of a run, which was there and empty, and what the run said."""
    folder = tmp_path_factory.mktemp("command") / "first"
    folder.mkdir()
    return folder, hl_run_from_nothing(folder.parent, *OPTIONS, "hydra.run.dir=first")


def test_a_run_says_what_it_did(first: First) -> None:
    folder, said = first
    assert (said.returncode, said.stderr) == (0, "")
    assert "identical: every weight equal bit for bit" in said.stdout
    assert re.search(r"folder +first$", said.stdout, re.MULTILINE)
    assert "tensorboard --logdir first/tensorboard" in said.stdout
    assert {p.name for p in folder.iterdir()} == FILES
    for name in ("curves.png", "physics.png"):
        assert (folder / name).read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
        picture = plt.imread(folder / name)
        assert min(picture.shape[:2]) > 300
        assert picture.std() > 0.02  # something is drawn
    report = (folder / "report.md").read_text()
    assert "**identical**" in report
    assert " ".join(["    hl-run", *OPTIONS]) in report
    assert OmegaConf.load(folder / ".hydra" / "overrides.yaml") == OPTIONS
    config = OmegaConf.load(folder / ".hydra" / "config.yaml")
    assert (config.steps, config.seed, config.scenario.name, config.model.hidden) == (120, 3, "mom_b", [32])


def test_the_tables_of_a_run(first: First, build: Callable[..., Comparison]) -> None:
    folder, _ = first
    curves = rows(folder / "curves.csv")
    measured = [1, *range(10, 121, 10)]
    steps = {"curves.csv": [*range(1, 121)], "evaluation.csv": [50, 100, 120]}
    steps |= {"weight_difference.csv": measured, "physics.csv": measured, "running.csv": measured}
    assert {name: [int(r["step"]) for r in rows(folder / name)] for name in steps} == steps
    cells = [cell for name in HEADERS for r in rows(folder / name) for cell in [*r.values()][1:] if "." in cell]
    assert all(repr(float(cell)) == cell for cell in cells)  # nothing is rounded
    assert any(len(r["hl_loss"]) > 12 for r in curves)
    assert all(r["hl_loss"] == r["pytorch_loss"] and r["hl_accuracy"] in ("0.0", "1.0") for r in curves)

    for r in rows(folder / "running.csv"):
        done = [float(c["hl_accuracy"]) for c in curves[: int(r["step"])]]
        assert float(r["cumulative_hl_accuracy"]) == pytest.approx(sum(done) / len(done))
        assert float(r["window_hl_accuracy"]) == pytest.approx(sum(done[-100:]) / len(done[-100:]))

    physics = rows(folder / "physics.csv")
    assert all(math.isfinite(float(cell)) for r in physics for cell in r.values())
    for r in physics:
        phi = PHI_FIRST if r["step"] == "1" else PHI
        assert float(r["loss_term"]) == pytest.approx(phi * float(curves[int(r["step"]) - 1]["hl_loss"]), rel=1e-12)
    assert all(float(r["kinetic"]) > 0 and float(r["state_costate_norm"]) > 0 for r in physics[1:])

    tensors = {r["tensor"]: r["shape"] for r in rows(folder / "weights.csv")}
    shapes = {name: "x".join(map(str, w.shape)) for name, w in build(*OPTIONS).pytorch.weights().items()}
    assert tensors == shapes
    assert {r["max_ulp"] + r["first_step"] for r in rows(folder / "weights.csv")} == {"0"}


def test_the_summary_of_a_run(first: First) -> None:
    folder, _ = first
    found, curves, held_out = summary_of(folder), rows(folder / "curves.csv"), rows(folder / "evaluation.csv")
    assert (found["verdict"], found["first_difference_step"]) == ("identical", None)
    assert (found["steps"], found["window"], found["max_abs_weight_difference"]) == (120, 100, 0.0)
    for learner in ("hl", "pytorch"):
        of = found[learner]
        assert of["final_loss"] == pytest.approx(sum(float(r[f"{learner}_loss"]) for r in curves[-100:]) / 100)
        assert of["accuracy"] == pytest.approx(sum(float(r[f"{learner}_accuracy"]) for r in curves[-100:]) / 100)
        assert of["held_out_accuracy"] == float(held_out[-1][f"{learner}_accuracy"])
        assert of["held_out_loss"] == float(held_out[-1][f"{learner}_loss"])
        assert of["steps_per_second"] > 0
    expected = {"tau": 1.0, "beta": 0.02, "eta": 0.3, "phi": PHI, "phi_first": PHI_FIRST}
    expected |= {"lr": 0.02, "momentum": 0.7, "dampening": 0.3, "weight_decay": 0.0}
    assert found["coefficients"] == pytest.approx(expected)
    assert (found["seed"], found["threads"], found["dtype"], found["interrupted"]) == (3, 1, "float32", None)
    assert {"hl-run", "python", "torch", "hydra-core"} <= set(found["versions"])
    assert (folder / found["config"] / "config.yaml").exists()


def test_tensorboard_reads_the_events_of_a_run(first: First) -> None:
    folder, _ = first
    events = {p.name: EventAccumulator(str(p)).Reload() for p in (folder / "tensorboard").iterdir()}
    tags = {name: set(one.Tags()["scalars"]) for name, one in events.items()}
    assert {"loss", "accuracy", "held_out/loss", "held_out/accuracy", "cumulative/accuracy"} <= tags["hl"] & tags[
        "pytorch"
    ]
    assert tags["difference"] == {f"weight_difference/{tag}" for tag in ("max_abs", "mean_abs", "relative", "max_ulp")}
    curves = rows(folder / "curves.csv")
    for learner in ("hl", "pytorch"):
        points = {p.step: p.value for p in events[learner].Scalars("loss")}
        assert list(points) == [1, *range(10, 121, 10)]
        assert points[20] == pytest.approx(sum(float(r[f"{learner}_loss"]) for r in curves[10:20]) / 10, rel=1e-6)


def test_the_same_config_gives_the_same_bits(first: First) -> None:
    folder, _ = first
    said = hl_run(folder.parent, *OPTIONS, "hydra.run.dir=second")
    assert said.returncode == 0
    for name in HEADERS:
        assert (folder.parent / "second" / name).read_bytes() == (folder / name).read_bytes()


def test_the_folder_of_a_run_is_refused_and_left_as_it_is(first: First) -> None:
    folder, _ = first
    before = state_of(folder)
    said = hl_run(folder.parent, "steps=5", "hydra.run.dir=first")
    assert (said.returncode, said.stdout) == (1, "")
    assert said.stderr == (
        f"hl-run: hydra.run.dir={folder}: holds files of another run; allowed: a new or an empty folder\n"
    )
    assert state_of(folder) == before
