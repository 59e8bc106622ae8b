"""A net, stream, arm, scheme, credit, update rule or observer is one file: dropped in hl_cli, or installed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
import torch
from tensorboard.backend.event_processing.event_file_loader import LegacyEventFileLoader

from hl_cli.learners.place import Place
from tests import laws
from tests.covering import one_in
from tests.parts.coin_flips import CoinFlips
from tests.parts.sign_descent import SignDescent, sign_descent
from tests.process import HL_RUN, summary_of
from tests.warm import ENVIRONMENT, PATIENCE

ROOT = Path(__file__).resolve().parents[2]
PARTS = ROOT / "tests" / "parts"
ROOMS = {
    "minimal_gated": "networks",
    "coin_flips": "streams",
    "sign_descent": "learners",
    "least_loss": "reporting",
    "patient": "schemes",
    "fading": "credit",
    "averaged": "dynamics/rules",
}
COMMAND = (
    "stream=coin_flips", "model=minimal_gated", "model.bias=1", "model.hidden=4",
    "arm=[hl,pytorch,sign_descent,hl_eligibility]",
    "credit@arms.hl_eligibility.credit=fading", "arms.hl_eligibility.credit.fade=0.8", "arms.sign_descent.shrink=0.99",
    "scenario.lr=0.05", "steps=40", "seed=3", "hydra.run.dir=here", "expect=identical",
    "observe=[least_loss]", "observe.least_loss.after=5",
    "+arm@arms.late=hl", "+scheme@arms.late.scheme=patient", "arms.late.scheme.every=3",
    "+arm@arms.mean=hl", "arms.mean.integrator=averaged",
)  # fmt: skip


def dropped_in(folder: Path) -> None:
    """A copy of the program with one more file of each kind."""
    for part in ("hl_cli", "configs"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    for name, room in ROOMS.items():
        shutil.copy(PARTS / f"{name}.py", folder / "hl_cli" / room)


def installed(folder: Path) -> None:
    """A package beside the program, which names its files as entry points."""
    shutil.copytree(PARTS, folder / "theirs", ignore=shutil.ignore_patterns("__pycache__"))
    about = folder / "theirs-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n")
    entries = "".join(f"{name} = theirs.{name}\n" for name in ROOMS)
    (about / "entry_points.txt").write_text(f"[hl_cli.choices]\n{entries}")


@one_in(2)
@pytest.mark.parametrize("put", [dropped_in, installed])
def test_a_part_is_one_file(put: object, tmp_path: Path) -> None:
    put(tmp_path)  # type: ignore[operator]
    environment = {**ENVIRONMENT, "PYTHONPATH": f"{tmp_path}:{ENVIRONMENT.get('PYTHONPATH', ROOT)}"}

    def say(*arguments: str) -> str:
        done = subprocess.run(
            [*HL_RUN, *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=PATIENCE
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    told = say("model=minimal_gated", "--help")
    assert "Units that forget by a gate of the input." in told and "model.bias=0.0" in told
    say(*COMMAND)
    summary = summary_of(tmp_path / "here")
    assert summary["verdict"] == "identical" and {"sign_descent", "late", "hl_eligibility"} < {*summary["arms"]}
    assert "follow a mean" in summary["mean"]["reason"] and summary["mean"]["verdict"] == "different"
    assert "leaves samples out" in summary["late"]["reason"] and summary["late"]["verdict"] == "different"
    assert summary["sign_descent"]["held_out_accuracy"] > 0.6
    least = min(summary["arms"], key=lambda arm: summary[arm]["least_loss"])
    wanted = f"{summary[least]['least_loss']:.4g}"
    for page in ("report.md", "report.html"):
        text = (tmp_path / "here" / page).read_text()
        assert "Least loss" in text and "Of a single step." in text and wanted in text, page
    folder = tmp_path / "here" / "tensorboard"
    events = {of: [*LegacyEventFileLoader(str(next((folder / of).iterdir()))).Load()] for of in ("report", "hl")}
    assert any(value.tag == "least_loss" for event in events["hl"] for value in event.summary.value)
    texts = [value.tensor.string_val for event in events["report"] for value in event.summary.value]
    assert any(b"## Least loss" in said for text in texts for said in text)
    assert "fading credit" in (tmp_path / "here" / "report.md").read_text()


@pytest.mark.parametrize("batch", [1, 7])
def test_the_stream_obeys_the_laws(batch: int) -> None:
    def make() -> CoinFlips:
        return CoinFlips(0.1, 5, batch, torch.float64, "cpu")

    laws.stream_has_its_shapes(make(), batch, torch.float64)
    laws.stream_is_the_same_again(make)
    laws.stream_resumes_anywhere(make, 13, 50)


def test_the_learner_obeys_the_laws() -> None:
    stream = CoinFlips(0.1, 5, 4, torch.float64, "cpu")

    def make() -> SignDescent:
        torch.manual_seed(0)
        net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(6, 2)).double()
        return sign_descent(Place(net, torch.nn.functional.cross_entropy, stream, 2, 0.01), 0.9)

    laws.learner_goes_on_from_its_state(make, stream)
    laws.learner_predicts_without_learning(make(), stream)
