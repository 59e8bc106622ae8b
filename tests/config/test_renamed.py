"""Names of before keep working, with a warning."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

import hl_cli
from hl_cli.config.renamed import former_config, renewed_config
from hl_cli.dynamics.accumulator import NO_GRADIENT, GradientAccumulator
from hl_cli.dynamics.hamiltonian import Costate, State
from hl_cli.errors import BadInput
from hl_cli.networks.blocks import Block, Pulled, Tape
from hl_cli.networks.chain import Chain
from hl_cli.runs import state
from hl_cli.runs.same_run import _flat, differing, plain


def test_a_block_of_before_keeps_working() -> None:
    """A user's own block may have been written with the names that these methods had."""
    with pytest.warns(DeprecationWarning, match="Doubled.pull_back is now called vjp"):

        class Doubled(Block):
            def record(self, x: torch.Tensor, h: State, want_x: bool = True) -> tuple[State, Tape]:
                return (2 * x,), None

            def pull_back(
                self, tape: Tape, z: Costate, drive: GradientAccumulator, want_x: bool = True, want_h: bool = True
            ) -> Pulled:
                assert z[0] is not None
                return Pulled(2 * z[0], ())

    assert Chain([Doubled([])]).vjp([None], (torch.ones(1),), NO_GRADIENT).x == 2


def test_the_rule_of_a_learner_may_be_called_integrator() -> None:
    net = torch.nn.Linear(2, 2)
    with pytest.warns(DeprecationWarning, match="integrator= is now called rule="):
        hl = hl_cli.HamiltonianLearner(
            hl_cli.split_of(net, output=net), torch.nn.functional.cross_entropy, hl_cli.physics_of(hl_cli.SGD(0.1)),
            integrator=hl_cli.explicit_euler,
        )  # fmt: skip
    assert hl.rule is hl_cli.explicit_euler


OLD = {
    "stream": {"name": "drift", "streams": {"a": {"name": "sine", "counts": "every"}}, "counts": "last"},
    "memory": "store", "feed": "nothing", "model": {"memory": 3, "counts": "every"}, "steps": 5,
    "anchor_every": 9, "compile": False,
    "arms": {"hl": {"memory": None, "lr": 0.1}, "own": {"memory": "reverse", "anchor_every": 9, "compile": None}},
}  # fmt: skip
NEW = {
    "stream": {"name": "drift", "streams": {"a": {"name": "sine", "targets": "all"}}, "targets": "last"},
    "checkpointing": "store", "feed": "zero_input", "model": {"memory": 3, "counts": "every"}, "steps": 5,
    "anchor_every": 9,
    "arms": {"hl": {"checkpointing": None, "lr": 0.1}, "own": {"checkpointing": "reverse", "anchor_every": 9}},
}  # fmt: skip


def test_a_config_of_before_has_the_names_of_now_and_a_job_its_hash_of_before() -> None:
    assert renewed_config(OLD) == NEW == renewed_config(NEW)
    added = {"credit": None, "scenario": {"lr": 0.1, "nesterov": False, "maximize": False}}
    since = {**NEW, **added, "arms": {**NEW["arms"], "adam": {"credit": "bptt"}, "late": {"credit": None}}}  # type: ignore[dict-item]
    without = {"scenario": {"lr": 0.1}, "arms": {**OLD["arms"], "adam": {"credit": "bptt"}, "late": {}}}  # type: ignore[dict-item]
    assert former_config(NEW) == OLD == former_config(OLD) and former_config(since) == {**OLD, **without}
    said = {"credit": {"name": "exact"}, "scenario": {"nesterov": True}}
    assert former_config(said) == said == renewed_config(said)
    assert set(renewed_config(since)) == {*NEW, "scenario"}


def test_a_config_without_a_field_that_came_since_is_the_same_run(configured: Any) -> None:
    cfg = configured("stream.ticks=2")
    before = former_config(plain(cfg))
    assert "credit" not in before and "nesterov" not in before["scenario"] and "memory" in before
    differing(before, cfg, "before", ())
    cfg.scenario.nesterov = True
    with pytest.raises(BadInput, match=r"scenario\.nesterov=True, and in the config of before None"):
        differing(before, cfg, "before", ())


def test_arguments_of_before_are_said_in_one_line_and_a_run_of_before_goes_on(
    invoke: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = ["stream.counts=every", "memory=store", "feed=given", "arms.hl.memory=segments"]
    gone = ["compile=false", "arms.hl.compile=null"]
    new = ["stream.targets=all", "checkpointing=store", "feed=teacher_forced", "arms.hl.checkpointing=segments"]
    net = ["stream=sine", "stream.ticks=2", "model=rnn", "model.hidden=2", "split=state", "eval_every=0"]
    with monkeypatch.context() as before:
        before.setattr(state, "plain", lambda cfg: former_config(plain(cfg)))  # what a checkpoint has
        code, _, err = invoke(*net, *old, *gone, "steps=10", "checkpoint_every=5", "hydra.run.dir=run")
    assert (code, err) == (0, f"hl-run: {' '.join(old)}: write {' '.join(new)}; {' '.join(gone)}: leave it out\n")
    config = tmp_path / "run" / ".hydra" / "config.yaml"
    text = config.read_text()
    assert "targets: all" in text and "checkpointing: segments" in text and "counts" not in text
    config.write_text(yaml.safe_dump(former_config(yaml.safe_load(text))))
    before_that = [*net, *old, "steps=10", "checkpoint_every=5"]
    (config.parent / "overrides.yaml").write_text(yaml.safe_dump([*before_that, "compile=true"]))
    code, _, err = invoke("resume=run", "steps=15")
    assert code == 1 and "compile: no longer a field; leave it out, or write engine=compiled" in err
    (config.parent / "overrides.yaml").write_text(yaml.safe_dump([*before_that, *gone]))
    code, _, err = invoke("resume=run", "steps=15")
    assert code == 0 and not err.startswith("hl-run: stream")
    assert len((tmp_path / "run" / "curves.csv").read_text().splitlines()) == 16
    code, out, _ = invoke("compare", "run", "run")
    assert code == 0 and "another option" not in out


def test_a_file_of_before_says_what_a_field_is_called_now(invoke: Any, tmp_path: Path) -> None:
    (tmp_path / "configs" / "experiment").mkdir(parents=True)
    (tmp_path / "configs" / "experiment" / "mine.yaml").write_text("# @package _global_\nmemory: store\n")
    code, _, err = invoke("--config-dir", "configs", "experiment=mine")
    assert code == 1 and "memory: is now called checkpointing" in err and err.count("\n") == 1


@pytest.mark.parametrize("said", ["compile=true", "arms.hl.compile=true", "+compile=true"])
def test_a_field_that_is_gone_says_what_to_write(invoke: Any, said: str) -> None:
    code, _, err = invoke(said, "steps=1")
    name = said.strip("+").removesuffix("=true")
    now = name.replace("compile", "engine=compiled")
    assert code == 1 and f"{name}: no longer a field; leave it out, or write {now}" in err and err.count("\n") == 1


FIRST = """
    stream.name stream.dataset stream.ticks stream.held_out model.name model.hidden model.activation
    split.name scenario.name scenario.lr scenario.momentum scenario.dampening scenario.weight_decay
    scenario.beta scenario.eta scenario.phi scheme.name integrator.name schedule.name paths.outputs
    arms.hl.label arms.hl.model arms.hl.lr arms.hl.expect arms.hl.scheme arms.hl.split arms.hl.integrator
    arms.hl.tau arms.hl.memory arms.hl.anchor_every arms.hl.compile arms.pytorch.label arms.pytorch.model
    arms.pytorch.lr arms.pytorch.expect arms.pytorch.window arms.pytorch.credit arms.pytorch.optimizer
    arms.pytorch.options observe pytorch.window pytorch.credit pytorch.optimizer pytorch.lr pytorch.options
    stop.loss stop.patience sweep.resume study.tune study.budget study.score study.tuning_seeds study.seeds
    study.show study.phase steps hold batch_size seed dtype device threads parallel tau clip clip_value loss
    memory anchor_every eval_every log_every log_histograms predictions free_run feed compile checkpoint_every
    keep_checkpoints dry_run reference expect
"""  # the fields of a plain run, when runs and sweeps had been written that have to be taken up


def test_a_field_that_was_renamed_or_added_is_known(configured: Any) -> None:
    """Else no run or sweep of before is taken up: FIELDS and ADDED in hl_cli/config/renamed.py."""
    assert set(_flat(former_config(plain(configured())))) == set(FIRST.split())


def test_a_task_of_before_keeps_working() -> None:
    for make in (lambda: hl_cli.Task("values", 1, "every"), lambda: hl_cli.Task("values", 1, counts="every")):
        with pytest.warns(DeprecationWarning, match=r'is now Task\(targets="all"\)'):
            assert make() == hl_cli.Task("values", 1, "all")
    with pytest.warns(DeprecationWarning, match="is now Task.targets"):
        assert hl_cli.Task("values", 1, "all").counts == "every"
