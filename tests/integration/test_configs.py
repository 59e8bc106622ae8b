"""The configs as they lie there: each option composes and is valid, each experiment does what its comment says."""

from __future__ import annotations

import re
from importlib import resources
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_module
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig, OmegaConf

from hl_cli.cli.help import help_text, options_of
from hl_cli.cli.tasks import config_of, start_of, task_of
from hl_cli.config import validation
from tests.covering import one_in
from tests.material import folder, needs

TINY = ["steps=4", "rates=[0.01]", "seeds=1", "parameters=300", "bound_samples=2", "grid_samples=2", "components=[8]"]
FEW = ["arms=[vin_vv,residual]", "steps=100", "seeds=1", "trajectories=10", "starts=4", "hidden=16", "horizon=150"]
SHORT_VIDEO = ["arms=[hamiltonian,residual]", "steps=2", "seeds=1", "videos=8", "judged=4"]
SHORT = {
    "minimise": ["steps=30", "trials=60", "seeds=2", "methods=[momentum,relativistic]"],
    "forecast": FEW,
    "density": TINY,
    "sample": ["draws=30", "warmup=2", "seeds=1", "chains=4"],
    "video": [*SHORT_VIDEO, "frames=6", "shown=2", "hidden=8", "units=4", "positions=2", "device=cpu"],
}
"""What makes the experiments of a task short."""
MEASURES = {
    "minimise": ("methods", "best", min),
    "forecast": ("arms", "drift", min),
    "density": ("arms", "bound", max),
    "sample": ("methods", "per_evaluation", max),
    "video": ("arms", "there_and_back", min),
}
"""What the experiments of a task compare, by which median, and which of them is the best."""
CONFIGS = resources.files("hl_cli.configs")
LAUNCHED = ("experiment", "debug")


def options(group: str) -> list[str]:
    """Those with a preset, and those that have the defaults of their class."""
    return sorted(options_of(group))


GROUPS = sorted(validation.CHOICES)
OPTIONS = [(group, option) for group in GROUPS for option in options(group)]


def composed(*overrides: str) -> DictConfig:
    GlobalHydra.instance().clear()
    with initialize_config_module("hl_cli.configs", version_base="1.3"):
        return compose(config_of(overrides), overrides=list(overrides))


def test_the_groups_are_those_of_the_program() -> None:
    folders = {f.name for f in CONFIGS.iterdir() if f.is_dir() and not f.name.startswith(("_", "hydra"))}
    assert folders <= set(GROUPS) and all(options(group) for group in GROUPS)


NAMED = ("stream", "model", "split", "scenario", "scheme", "credit", "integrator")
"""Groups whose options set their own part of a config, which carries the name of the option, and nothing else."""
ALONE = [[one] for one in OPTIONS if one[0] not in NAMED]
TOGETHER = zip_longest(*([one for one in OPTIONS if one[0] == group] for group in NAMED))


@one_in(2)
@pytest.mark.parametrize(
    "chosen",
    [*ALONE, *([one for one in row if one] for row in TOGETHER)],
    ids=lambda row: " ".join(map("=".join, row)),
)
def test_every_option_composes_and_is_valid(chosen: list[tuple[str, str]]) -> None:
    """One by one, or an option of each of the groups that do not meet."""
    words = []
    for group, option in chosen:
        words += [f"{group}={option}", *(needs(option) if group == "stream" else ())]
        words += ["model.factory=tests.material:net"] if (group, option) == ("model", "module") else []
        if (group, option) == ("schedule", "torch"):
            words += ["schedule.scheduler=ExponentialLR", "+schedule.options.gamma=0.9"]
    cfg = composed(*words)
    validation.check(cfg)
    for group, option in chosen:
        assert group not in NAMED or cfg[group].name == option  # files and titles carry it


@pytest.mark.parametrize("option", options("stream"))
def test_the_help_shows_the_fields_of_a_stream(option: str) -> None:
    cfg = composed(f"stream={option}").stream
    said = help_text([f"stream={option}", "--help"])
    assert all(f"stream.{key}=" in said for key in cfg if key != "name")
    plain = {k: v for k, v in OmegaConf.to_container(cfg).items() if isinstance(v, int | float)}
    assert all(f"stream.{key}={validation.shown(value)}" in said for key, value in plain.items())
    assert said.startswith(f"stream={option}\n")


def test_the_defaults_that_the_help_shows_are_those_of_the_config() -> None:
    cfg = composed()
    shown = {name: default for name, default, _ in validation.values()}
    assert shown == {name: validation.shown(cfg[name]) for name in shown}
    assert {"steps", "tau", "seed", "dtype", "expect"} <= set(shown)


OF_IMAGES = ("paired", "unicornn", "cornn", "lstm", "rnn_fast")
LEFT_OUT = {"adding": ("unicornn", "cornn", "lstm"), "digits_nets": OF_IMAGES, "mnist_nets": OF_IMAGES}
"""Arms of experiments that have many."""


@one_in(2)
@pytest.mark.usefixtures("no_pictures")
@pytest.mark.parametrize(("group", "option"), [one for one in OPTIONS if one[0] in LAUNCHED])
def test_every_experiment_comes_out_as_its_comment_says(
    group: str, option: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HL_DATA_ROOT", str(folder()))
    comment = [line for line in (CONFIGS / group / f"{option}.yaml").read_text().splitlines() if line.startswith("#")]
    assert comment[0] == "# @package _global_"
    assert re.search(rf"\bhl-run {group}={option}( stream\.path=\S+)?$", comment[1])
    expected = re.search(r"Expect: (\w+)", " ".join(comment))
    assert expected or group == "debug"

    short = ["stream.lecture=20", "stream.ticks=20", "model.hidden=8"] if "school" in option else []
    short += ["stream.ticks=10", "model.hidden=4"] if "gradient" in option else []
    short += ["stream.ticks=4"] if "pixels" in option else []
    short += ["batch_size=2", *(f"~arms.{arm}" for arm in LEFT_OUT[option])] if option in LEFT_OUT else []
    short += ["stream.ticks=8"] if option in ("adding", "digits_nets") else []
    task = task_of([f"{group}={option}"])
    short += SHORT[task] if task else ["steps=30", "eval_every=0"]
    cfg = composed(f"{group}={option}", *short)
    outcome = start_of(cfg)(cfg, tmp_path)
    if task:
        names, measure, best = MEASURES[task]
        medians = {name: outcome.summary[name][measure][1] for name in cfg[names]}
        assert expected and medians[expected.group(1)] == best(medians.values())
        return

    assert outcome.exit_code == 0  # the verdict meets `expect` where the experiment has one
    assert outcome.summary["verdict"] == (expected.group(1) if expected else "identical")
    assert outcome.summary["steps"] == 30


@pytest.mark.parametrize(
    ("overrides", "values"),
    [
        ("experiment=round_off", {"tau": 0.3, "dtype": "float64", "expect": "round_off", "scenario.name": "mom_b"}),
        ("experiment=round_off tau=0.7 expect=null", {"tau": 0.7, "expect": None, "dtype": "float64"}),
        ("experiment=round_off scenario=gd_a", {"scenario.name": "gd_a", "scenario.lr": 0.1, "tau": 0.3}),
        ("experiment=chaos", {"steps": 3000, "scenario.lr": None, "scenario.beta": 0.04, "scenario.phi": 1.3}),
        ("experiment=chaos scenario.phi=0.5", {"scenario.phi": 0.5, "scenario.beta": 0.04}),
        ("experiment=undamped", {"batch_size": 32, "scenario.eta": 0.0}),
        ("experiment=lstm_rows", {"model.name": "lstm", "stream.ticks": 8, "split.name": "state"}),
        ("experiment=lstm_rows model=gru", {"model.name": "gru", "stream.ticks": 8}),
        ("experiment=relativistic", {"kinetic.name": "relativistic", "kinetic.limit": 1.0, "steps": 2000}),
        ("experiment=explicit_is_different", {"integrator.name": "explicit_euler", "steps": 2000}),
        ("debug=quick", {"steps": 100, "eval_every": 50, "log_every": 10}),
        ("debug=quick steps=7", {"steps": 7, "log_every": 10}),
        ("debug=quick experiment=chaos", {"steps": 3000, "log_every": 10}),
        ("stream=digits_rows stream.ticks=4", {"stream.ticks": 4, "stream.name": "digits_rows"}),
    ],
)
def test_the_command_line_wins_over_the_experiment_and_that_over_the_rest(
    overrides: str, values: dict[str, Any]
) -> None:
    cfg = composed(*overrides.split())
    found = {}
    for name in values:
        group, _, field = name.rpartition(".")
        found[name] = cfg[group][field] if group else cfg[field]
    assert found == values
