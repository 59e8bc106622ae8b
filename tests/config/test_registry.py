"""Options of other packages: what cannot be read is one line, before anything else happens."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from hl_cli.cli import entry
from hl_cli.config import registry
from hl_cli.config.models import Model


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (None, "ModuleNotFoundError: No module named 'theirs_'"),
        ("\n@choice(\n", "SyntaxError"),
        ('\n@choice("model", home="x")\nclass Net(Unknown):\n    pass\n', "NameError: name"),
    ],
)
def test_a_package_that_cannot_be_read_is_one_line(
    text: str | None, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if text is not None:
        (tmp_path / "theirs_.py").write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(registry, "entry_points", lambda group: [EntryPoint("spiral", "theirs_", group)])
    monkeypatch.setattr(registry, "_found", dict(registry._found))
    monkeypatch.setattr(entry, "_main", registry.read_all)
    monkeypatch.setattr(sys, "argv", ["hl-run"])
    with pytest.raises(SystemExit) as left:
        entry.main()
    said = capsys.readouterr().err
    assert left.value.code == 1 and said.count("\n") == 1
    assert said.startswith("hl-run: entry point spiral in hl_cli.choices, theirs_: ") and line in said


def test_a_class_of_a_file_that_nobody_named_is_no_option() -> None:
    @registry.choice("model", "stranger", home="nothing")
    class Stranger(Model):
        pass

    assert registry.choice_of(Stranger) is None
    assert "stranger" not in {name for one in registry.choices("model") for name in one.names}


def test_a_known_class_is_one_class() -> None:
    from hl_cli.networks.leaky import LeakyConfig, leaky_rnn

    known = next(one for one in registry.choices("model") if one.names == ("leaky_rnn",))
    assert known.kind is LeakyConfig and known.load() is leaky_rnn
