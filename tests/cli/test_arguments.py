"""Slips on the command line: each is one line that says what to type instead."""

from __future__ import annotations

import re
import shlex

import pytest
from hydra import compose, initialize_config_module
from omegaconf import OmegaConf

from hl_cli.cli.arguments import check, ordered
from hl_cli.cli.deprecated import advice
from hl_cli.errors import BadInput

SLIPS = [
    ("--steps 100", "--steps: a field has no dashes; write steps=100"),
    ("--steps=100", "--steps=100: a field has no dashes; write steps=100"),
    ("-steps", "-steps: a field has no dashes; write steps=VALUE"),
    ("--batch-size 3 -m", "--batch-size: a field has no dashes; write batch_size=3"),
    ("-model=gru", "-model=gru: a field has no dashes; write model=gru"),
    ("--hepl", "--hepl: no such flag; did you mean --help?"),
    ("--stepz 3", "--stepz: no such flag; did you mean steps=3?"),
    ("-zzz", "-zzz: no such flag; hl-run --help lists all"),
    ("-m=3", "-m=3: allowed: -m alone"),
    ("--cfg", "--cfg: a value is missing; allowed: job or hydra or all"),
    ("--resolve seed=1", "--resolve: allowed beside --cfg alone"),
    ("-p dry_run=true", "--package: allowed beside --cfg alone"),
    ("--cfg jobs", "--cfg=jobs: allowed: job, hydra, all"),
    ("model.hidden=[64, 32]", "model.hidden=[64, 32]: a blank ends an argument; quote it, 'model.hidden=[64, 32]',"),
    ("seed=3 stream.path=my file.csv", "a value with a blank is quoted: 'stream.path=my file.csv'"),
    ("seed", "seed: a value is missing; allowed: seed=VALUE"),
    ("hlep", "did you mean --help?"),
    ("seed=0,1", "seed=0,1: several values; -m runs each: hl-run -m seed=0,1; a list is 'seed=[0,1]', a text "),
    ("seed=range(0,2)", "seed=range(0,2): a sweep needs -m: hl-run -m 'seed=range(0,2)'"),
    ("scenario=glob(gd*)", "hl-run -m 'scenario=glob(gd*)'"),
    ("stream.path=a=b.csv", """stream.path=a=b.csv: the value has to be quoted, for the shell and for Hydra: """),
    ("stream.path=données.csv", "'stream.path=\"données.csv\"'"),
    ("stream.path='(1).csv'", "'stream.path=\"(1).csv\"'"),
    ("steps=[1", "steps=[1: a bracket has no partner"),
    ("steps=extend_list(4)", "extend_list is no function of Hydra's sweeps (they are choice, range"),
    ("-m seed=choice()", "seed=choice(): empty choice is not legal"),
    ("größe=3", "größe is no name of a field"),
    ("stream=[null]", "stream=[null]: allowed: the name of an option; hl-run stream= --help lists them"),
    ("integrator=[1,2,3]", "integrator=[1,2,3]: allowed: the name of an option"),
    ("-m model=[mlp],gru", "allowed: the name of an option"),
    ("-m scenario=range(0,2)", "allowed: the name of an option"),
    ("hydra/launcher=[1]", "hydra/launcher=[1]: allowed: the name of an option"),
    ("~steps", "~steps: a run needs this field; it cannot be removed; allowed: steps=VALUE"),
    ("~stream", "~stream: a run needs this choice"),
]


@pytest.mark.parametrize(("line", "wanted"), SLIPS)
def test_a_slip_is_said_in_one_line(line: str, wanted: str) -> None:
    quoted = shlex.split(line) if "'" in line else line.split()
    with pytest.raises(BadInput, match=re.escape(wanted)) as caught:
        check(ordered(quoted))
    assert "\\" not in str(caught.value) and "\n" not in str(caught.value)


def test_what_to_type_instead_is_right() -> None:
    """The text between the last quotes goes through a shell and is then read by Hydra."""
    for line in ("stream.path=a=b.csv", "stream.path=données.csv", "stream.target=a(1).b", 'stream.target=a"b='):
        with pytest.raises(BadInput) as caught:
            check([line])
        (instead,) = shlex.split(str(caught.value).partition("for Hydra: ")[2])
        check([instead])


def test_flags_may_stand_anywhere() -> None:
    assert ordered(["steps=20", "-m", "seed=0,1"]) == ["-m", "steps=20", "seed=0,1"]
    assert ordered(["a=1", "-cd", "x=y", "b=2", "--cfg", "job", "-i", "c=3"]) == [
        "-cd", "x=y", "--cfg", "job", "-i=all", "a=1", "b=2", "c=3",
    ]  # fmt: skip
    assert ordered(["--multi", "--cfg=job", "s=1"]) == ["--multi", "--cfg=job", "s=1"]


def test_what_hydra_reads_passes() -> None:
    fine = ["model.hidden=[64,32]", "model.hidden=[64, 32]", "experiment=[round_off,chaos]", "stream=null", "expect=",
            "+pytorch.options.eps=1e-6", "~stream.streams.b", "stream@stream.streams.a=iris", "hydra.run.dir='a b'",
            "stream.path=${oc.env:HOME}/a.csv", "stream=plugin", "hydra/job_logging=default"]  # fmt: skip
    check(fine)
    check(["-m", "scenario=glob(gd*)", "seed=shuffle(range(0,3))", "model.hidden=[4],[5]", "tau=interval(0,1)"])
    check(["hydra.mode=MULTIRUN", "seed=0,1"])
    check(["-sc", "query=bash"])


def test_the_old_fields_of_pytorch_say_what_to_write_and_set_the_same() -> None:
    old = ["pytorch.lr=0.1", "pytorch.window=8", "+pytorch.options.eps=1e-6", "pytorch.optimizer=adam"]
    new = [one.replace("pytorch.", "arms.pytorch.") for one in old]
    assert advice(["steps=3", *old, "arms.pytorch.credit=bptt"]) == f"{' '.join(old)}: write {' '.join(new)}"
    assert not advice(new)
    with initialize_config_module("hl_cli.configs", version_base="1.3"):
        arms = [compose("run", overrides=given).arms.pytorch for given in (old, new)]
    assert OmegaConf.to_container(arms[0], resolve=True) == OmegaConf.to_container(arms[1], resolve=True)
    assert arms[1].lr == 0.1 and arms[1].options == {"eps": 1e-6}
