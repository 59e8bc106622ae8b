"""Any number of arms on one stream: each is what it is alone, and is judged against the reference."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_module
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig

from hl_cli.build import Comparison, comparison
from hl_cli.compare.pairs import Pairs
from hl_cli.compare.running_metrics import RunningMetrics
from hl_cli.compare.side_by_side import StepRecord, compare_arms
from hl_cli.errors import BadInput
from hl_cli.runs.signals import Interruption
from hl_cli.runs.verdicts import meets, verdicts
from tests.process import summary_of
from tests.warm import hl_run

NETS = "needs a recurrent net, and model=mlp is none; allowed: model=antisymmetric, complex_diagonal, "
SMALL = ("steps=40", "model.hidden=[8]", "eval_every=20", "log_every=10", "split=state")


def composed(*overrides: str) -> DictConfig:
    GlobalHydra.instance().clear()
    with initialize_config_module("hl_cli.configs", version_base="1.3"):
        return compose("run", overrides=list(overrides))


def built(*overrides: str) -> Comparison:
    return comparison(composed(*overrides))


def records_of(run: Comparison) -> tuple[list[StepRecord], Pairs]:
    pairs = Pairs(run.comparable, run.reference)
    return list(compare_arms(run.stream, run.learners, run.measure, run.schedule, pairs)), pairs


def judged(*overrides: str) -> tuple[dict[str, Any], bool]:
    cfg = composed(*overrides)
    run = comparison(cfg)
    records, pairs = records_of(run)
    tally = RunningMetrics(run.measure, tuple(run.arms))
    for record in records:
        tally.consume(record)
    found = verdicts(cfg, run, pairs, tally, Interruption())
    return {name: verdict.word for name, verdict in found.items()}, meets(cfg, run, found)


def test_every_arm_is_what_it_is_beside_the_reference_alone() -> None:
    """Six arms: the means, held-out scores and weights of each are those of its run of two, bit for bit."""
    names = ("hl", "adam", "hl_wave", "hl_explicit", "frozen")
    together = built("arm=[hl,pytorch,adam,hl_wave,hl_explicit,frozen]", *SMALL)
    all_records, _ = records_of(together)
    for name in names:
        pair = built(f"arm=[{name},pytorch]", "reference=pytorch", *SMALL)
        records, _ = records_of(pair)
        for ours, both in zip(records, all_records, strict=True):
            assert ours.means[name] == both.means[name] and ours.means["pytorch"] == both.means["pytorch"]
            assert (ours.held_out or {}).get(name) == (both.held_out or {}).get(name)
            assert ours.pairs.get(name) == both.pairs.get(name)
        for key, w in pair.arms[name].learner.weights().items():
            assert w.equal(together.arms[name].learner.weights()[key])


def test_only_some_arms_are_what_they_are_beside_all() -> None:
    """Names, order, reference and weights; a reference that is left out is replaced."""
    wide = ("arm=[hl,pytorch,adam,frozen]", "arms.frozen.label=still", "reference=adam", *SMALL)
    few = built(*wide, "only=[frozen,hl,pytorch]")
    assert list(few.arms) == ["hl", "pytorch", "frozen"] and few.reference == "pytorch"
    assert few.arms["frozen"].label == "still"
    records, _ = records_of(few)
    together = built(*wide)
    everything, _ = records_of(together)
    assert built(*wide, "only=[hl,adam]").reference == "adam"
    for name in few.arms:
        assert [one.means[name] for one in records] == [one.means[name] for one in everything]
        for key, w in few.arms[name].learner.weights().items():
            assert w.equal(together.arms[name].learner.weights()[key])


def test_verdicts_are_per_arm_and_expect_is_meant_for_those_that_claim_equality() -> None:
    words, good = judged("arm=[hl,pytorch,adam,hl_wave,hl_blocks,frozen]", "expect=identical", *SMALL)
    assert words == {
        "hl": "identical", "adam": "different", "hl_wave": "identical", "hl_blocks": "identical", "frozen": "different",
    }  # fmt: skip
    assert good
    words, good = judged("arm=[hl,hl_explicit,pytorch]", "expect=identical", *SMALL)
    assert words == {"hl": "identical", "hl_explicit": "different"} and not good
    assert judged("arm=[hl,hl_explicit,pytorch]", "arms.hl.expect=identical", *SMALL)[1]


def test_any_arm_may_be_the_reference_and_two_stock_arms_of_the_same_numbers_are_equal() -> None:
    words, _ = judged("arm=[hl,pytorch]", "reference=hl", *SMALL)
    assert words == {"pytorch": "identical"}
    words, _ = judged("arm=[pytorch]", "+arm@arms.again=pytorch", *SMALL)
    assert words == {"again": "identical"}
    words, _ = judged("arm=[hl]", "+arm@arms.faster=hl", "arms.faster.lr=0.5", *SMALL)
    assert words == {"faster": "different"}


def test_an_arm_of_another_net_is_compared_by_its_scores_alone() -> None:
    run = built("arm=[hl,pytorch,adam]", "+model@arms.adam.model=linear", *SMALL)
    records, pairs = records_of(run)
    assert list(pairs.of) == ["hl"] and all("adam" not in record.pairs for record in records)
    assert all("adam" in record.means for record in records)
    words, _ = judged("arm=[hl,pytorch,adam]", "+model@arms.adam.model=linear", *SMALL)
    assert words == {"hl": "identical", "adam": "not_compared"}


def test_a_net_of_other_fields_is_another_net_though_its_weights_have_the_same_shapes() -> None:
    arms = ("+arm@arms.other=hl", "+model@arms.other.model=leapfrog", "arms.other.model.hidden=4")
    for eps, word in ((0.3, "identical"), (0.1, "not_compared")):
        words, _ = judged(*arms, f"arms.other.model.eps={eps}", "arm=[hl]", "model=leapfrog", "model.hidden=4",
                          "reference=hl", "stream=digits_rows", "split=state", "steps=2", "eval_every=0")  # fmt: skip
        assert words == {"other": word}, eps


def test_one_arm_alone_has_no_verdict_and_an_arm_that_diverges_leaves_the_others() -> None:
    words, _ = judged("arm=[hl]", *SMALL)
    assert words == {"hl": "not_compared"}
    run = built("arm=[hl,pytorch,adam]", "+arm@arms.wild=hl", "arms.wild.lr=3e38", *SMALL)
    records, _ = records_of(run)
    assert [one.learner for record in records for one in record.diverged] == ["wild"]
    assert {"hl", "pytorch", "adam"} == set(records[-1].means) and len(records) == 40


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["arm=[]"], "arm=[]: allowed: one or more arms"),
        (["reference=adam"], "reference=adam: is not among the arms; allowed: hl, pytorch"),
        (["arm=[hl,pytorch,zero]"], "arm zero: zero is no class"),
        *(
            (
                [f"arm=[hl,pytorch,{name}]"],
                f"^arms.{name}.{field}: {NETS}",
            )
            for name, field in (("tbptt8", "window=8"), ("adam_tbptt32", "window=32"), ("rtrl", "credit=rtrl"))
        ),
        (["arm=[hl,adam]", "arms.adam.optimizer=adamm"], "^arms.adam.optimizer=adamm: allowed: adadelta"),
        (
            ["arm=[hl,pytorch,rtrl]", "model=rnn", "arms.rtrl.window=3"],
            "^arms.rtrl.window=3: allowed with arms.rtrl.",
        ),
        (
            ["arm=[hl,pytorch,hl_explicit]", "arms.hl_explicit.checkpointing=reverse"],
            "^arms.hl_explicit.checkpointing=reverse: ",
        ),
        (["arm=[pytorch,hl_wave]", "checkpointing=reverse"], "^arm hl_wave: checkpointing=reverse: "),
        (
            ["arm=[pytorch,hl_wave]", "model=rnn"],
            "need a feed-forward net, and this one is recurrent; allowed: model=cnn",
        ),
        (["arm=[hl,pytorch,adam]", "arms.adam.expect=identical"], "^arms.adam.expect=identical: allowed for an arm"),
        (["arm=[hl,pytorch,adam]", "arms.pytorch.expect=identical"], "it is the reference itself"),
        (["scenario=custom", "scenario.beta=0.1", "arms.hl.lr=0.1"], "arms.hl.lr=0.1: the scenario gives HL's own"),
    ],
)
def test_what_cannot_be_is_said_with_the_name_of_the_arm(overrides: list[str], said: str) -> None:
    with pytest.raises(BadInput) as refused:
        built(*overrides, "steps=20")
    line = str(refused.value)
    assert line.startswith(said[1:]) if said[0] == "^" else said in line


def test_recurrent_arms_on_a_stream_that_never_ends() -> None:
    arms = "arm=[hl,pytorch,adam,tbptt8,tbptt32,rtrl,zero]"
    run = built(arms, "stream=recall", "model=rnn", "model.hidden=4", "scheme=forward", "split=state_output",
                "scenario=gd_a", "scenario.lr=0.01", "steps=40", "eval_every=0")  # fmt: skip
    records, pairs = records_of(run)
    assert len(records) == 40 and set(records[-1].means) == set(run.arms)
    assert set(pairs.of) == set(run.arms) - {"pytorch", "zero"}


def test_a_run_of_many_arms_leaves_its_files_and_goes_on(tmp_path: Path) -> None:
    """A column an arm, a row a pair; broken off by its steps and resumed it ends with the bytes of the whole."""
    arms = ("arm=[hl,pytorch,adam,frozen]", "model.hidden=[8]", "log_every=10", "checkpoint_every=10")
    whole = hl_run(tmp_path, *arms, "steps=40", "hydra.run.dir=whole")
    assert whole.returncode == 0, whole.stderr
    part = hl_run(tmp_path, *arms, "steps=20", "hydra.run.dir=part")
    resumed = hl_run(tmp_path, "resume=part", "steps=40")
    assert part.returncode == resumed.returncode == 0, resumed.stderr
    for file in (tmp_path / "whole").glob("*.csv"):
        if file.name != "evaluation.csv":  # the shorter run was evaluated at its end too
            assert file.read_bytes() == (tmp_path / "part" / file.name).read_bytes(), file.name
    said = summary_of(tmp_path / "whole")
    assert said["arms"] == ["hl", "pytorch", "adam", "frozen"] and said["reference"] == "pytorch"
    assert said["hl"]["verdict"] == "identical" and said["frozen"]["verdict"] == "different"
    header = (tmp_path / "whole" / "curves.csv").read_text().splitlines()[0]
    assert header.startswith("step,hl_loss,pytorch_loss,adam_loss,frozen_loss,hl_accuracy")
    assert (tmp_path / "whole" / "weights.csv").read_text().startswith("arm,tensor,")
    assert {p.name for p in (tmp_path / "whole" / "tensorboard").iterdir()} == {
        "hl", "pytorch", "adam", "frozen", "difference_hl", "difference_adam", "difference_frozen", "report",
    }  # fmt: skip
