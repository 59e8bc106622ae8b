"""The help: a line for every option, from its own file; the fields of every choice; what a shell completes."""

from __future__ import annotations

import re
import sys
from typing import Any

import pytest
from hydra.core.global_hydra import GlobalHydra

from hl_cli import __version__, cli
from hl_cli.cli import app
from hl_cli.cli.help import WIDTH, described, help_text, options_of
from hl_cli.cli.session import Session
from hl_cli.config import tasks, validation

OPTIONS = [(group, option) for group in validation.CHOICES for option in options_of(group)]


@pytest.mark.parametrize(("group", "option"), OPTIONS)
def test_every_file_says_in_one_line_what_it_is(group: str, option: str) -> None:
    line = described(options_of(group)[option])
    assert line, f"configs/{group}/{option}.yaml: a comment at its top, one line, is shown in the help"
    if group == "paths":  # a folder, no choice
        return
    (shown,) = re.findall(rf"^  {option} +(.+)$", help_text([f"{group}="]), re.MULTILINE)
    assert shown == line  # it fits
    assert f"  {shown}\n" in help_text()
    assert [described(text) for text in options_of(group).values()].count(line) == 1


@pytest.mark.parametrize(("group", "option"), OPTIONS)
def test_the_help_of_a_choice(group: str, option: str) -> None:
    said = help_text([f"{group}={option}", "--help"])
    assert said.startswith(f"{group}={option}\n\n  ") and described(options_of(group)[option]) in said
    assert all(f"\n  {other} " in said for other in options_of(group) if other != option)
    assert f"\n  {option} " not in said


@pytest.mark.parametrize(
    ("choice", "lines"),
    [
        ("scenario=gd_a", ["scenario.lr=0.1 +learning rate of SGD", "scenario.beta=null +weight velocity gain"]),
        ("split=state", ["It has no fields of its own"]),
        ("scheme=forward", ["scheme.eta_z=0.0 +dissipation", "scheme.carry=true +costates are carried"]),
        (
            "experiment=ett",
            ["stream=series +A column", "stream.lags=72 +rows", "Expect: identical", "steps=13764 +weig"],
        ),
        ("stream=nothing", ["^stream=nothing: no such option$", "^  digits_rows +The digits as sequences of 8 rows"]),
    ],
)
def test_fields_have_values_and_meanings(choice: str, lines: list[str]) -> None:
    for line in lines:
        assert re.search(line, help_text([choice]), re.MULTILINE), line


def test_several_choices_have_their_help_one_after_the_other() -> None:
    assert help_text(["model=gru", "scheme=wave", "steps=3"]) == help_text(["model=gru"]) + "\n" + help_text(
        ["scheme=wave"]
    )
    assert max(map(len, help_text().splitlines())) <= WIDTH


def asked(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> object:
    GlobalHydra.instance().clear()
    monkeypatch.setenv(app.TRACEBACK, "0")
    monkeypatch.setattr(app, "session", Session())
    monkeypatch.setattr(sys, "argv", ["hl-run", *arguments])
    try:
        cli.main()
    except SystemExit as stop:
        return stop.code
    return 0


GROUPS = {group for group in (*validation.CHOICES, *tasks.GROUPS) if group.startswith("sc")}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("hl-run sc", {f"{group}{end}" for group in GROUPS for end in ".="} - {"scene."}),  # a part of a task's config
        ("hl-run +sc", {f"+{group}=" for group in GROUPS}),
        ("hl-run scheme=f", {"scheme=forward"}),
    ],
)
def test_completion_offers_what_can_be_typed(
    line: str, words: set[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[Any]
) -> None:
    assert "scheme" in GROUPS and "schema" not in GROUPS
    monkeypatch.setenv("COMP_LINE", line)
    monkeypatch.setenv("COMP_POINT", str(len(line)))
    assert asked(["-sc", "query=bash"], monkeypatch) == 0
    assert set(capsys.readouterr().out.split()) == words
    assert asked(["-sc"], monkeypatch) == 1
    assert "allowed: -sc install=bash" in capsys.readouterr().err


def test_the_version_is_ours(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert asked(["--version"], monkeypatch) == 0
    assert capsys.readouterr().out == f"hl-run {__version__}\n"
