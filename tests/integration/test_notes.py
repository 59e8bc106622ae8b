"""What a report says of arms that are not meant to be equal: no equal numbers, no count of ulps, their own names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hl_cli.build import Comparison
from tests.process import summary_of

Build = Callable[..., Comparison]
SAME = "both sets of coefficients round to the same numbers"


@pytest.mark.parametrize(
    ("choice", "label", "said"),
    [
        ((), "PyTorch", SAME),
        (("integrator=explicit_euler",), "PyTorch", "expect a difference"),
        (("arms.pytorch.optimizer=adam", "arms.pytorch.lr=0.01"), "Adam", "it is not meant to equal Adam"),
        (("arms.pytorch.lr=0.5",), "PyTorch", "it is not meant to equal PyTorch"),
        (
            ("model=rnn", "stream=digits_rows", "split=state", "arms.pytorch.window=8"),
            "TBPTT 8",
            "not meant to equal TBPTT 8",
        ),
    ],
)
def test_a_note_does_not_contradict_the_verdict(choice: tuple[str, ...], label: str, said: str, build: Build) -> None:
    built = build("steps=3", *choice)
    assert built.labels == {"hl": "HL", "pytorch": label}
    assert said in built.note and (SAME in built.note) == (said == SAME)


def test_a_report_of_adam_calls_it_adam(invoke: Any, tmp_path: Path) -> None:
    adam = ("stream=iris", "steps=30", "arms.pytorch.optimizer=adam", "arms.pytorch.lr=0.001")
    code, out, err = invoke(*adam, "hydra.run.dir=run")
    text, page = ((tmp_path / "run" / f"report.{kind}").read_text() for kind in ("md", "html"))
    assert (code, err) == (0, "") and summary_of(tmp_path / "run")["verdict"] == "different"
    assert "  Adam   " in out and "| Adam | " in text and "HL and Adam differ" in page
    rows = [line.split("|") for line in text.splitlines() if "| max ulp |" in line or line.startswith("| head.")]
    place = [cell.strip() for cell in rows[0]].index("max ulp")
    assert [row[place].strip() for row in rows[1:]] == ["-", "-"]
    with (tmp_path / "run" / "weights.csv").open() as file:
        assert "max_ulp" in file.readline()
