"""A task that is killed is gone on with, and ends with the bytes of one that never was."""

from __future__ import annotations

import csv
import io
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from hydra import compose, initialize_config_module
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig

from hl_cli.config.tasks import TASKS
from hl_cli.errors import BadInput
from hl_cli.replicates.standing import Moving, Standing
from hl_cli.replicates.training import Descent
from hl_cli.reporting import (
    density_film,
    density_pictures,
    forecast_energy,
    forecast_motion,
    sample_pictures,
    search_pictures,
    video_energy,
    video_errors,
    video_strips,
)
from hl_cli.reporting.checkpoints import FOLDER, saved, step_of
from hl_cli.reporting.sweep_table import scores_of
from hl_cli.runs import task as tasks
from hl_cli.runs.minimise import Minimisation
from hl_cli.runs.resume import Resumed
from tests.process import summary_of

SMALL = {
    "minimise": ("function=quartic", "trials=4", "steps=5", "seeds=3", "transfer=2", "methods=[adam,rgd]"),
    "forecast": ("arms=[gru]", "trajectories=3", "points=12", "hidden=4", "steps=12", "seeds=2", "horizon=20",
                 "near=5", "starts=3", "batch_size=4"),
    "sample": ("target=gaussian", "methods=[hmc,explicit]", "chains=2", "draws=8", "warmup=3", "seeds=2", "tune=true",
               "tune_trials=3", "tune_evaluations=60"),
    "video": ("arms=[hamiltonian,gru]", "videos=6", "judged=3", "size=8", "frames=8", "shown=3", "hidden=6", "units=4",
              "steps=12", "seeds=2", "batch_size=4", "decoded=3"),
    "density": ("arms=[nhf,gmm]", "steps=12", "tune_steps=5", "rates=[0.01,1e-3]", "seeds=2", "parameters=200",
                "flows=1", "leapfrogs=2", "couplings=2", "bound_samples=3", "samples=20", "components=[1]",
                "data.train=100", "data.apart=20", "data.held_out=20", "batch_size=32"),
}  # fmt: skip
KILLS = {"minimise": (2,), "forecast": (4, 8), "sample": (18, 20), "video": (8, 14), "density": (5, 12)}
"""Steps, of all parts together, in which the task is killed: in a part, between its checkpoints; in a later part."""


class Killed(BaseException):
    """As SIGKILL: nothing of ours catches it."""


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (
        density_film, density_pictures, forecast_energy, forecast_motion, sample_pictures, search_pictures,
        video_energy, video_errors, video_strips,
    ):  # fmt: skip
        for name in [name for name in vars(module) if name.startswith("draw_")]:
            monkeypatch.setattr(module, name, lambda *arguments: True)


@pytest.fixture
def killed_at(monkeypatch: pytest.MonkeyPatch) -> Any:
    """killed_at(5): the fifth step from here on is the last, and it does not come to its end; None: there is none."""
    original, left = Standing.steps, [0]

    def steps(self: Standing, *arguments: Any, **more: Any) -> Iterator[int]:
        for step in original(self, *arguments, **more):
            left[0] -= 1
            if left[0] == 0:
                raise Killed
            yield step

    def set_to(count: int | None) -> None:
        left[0] = count or 0

    monkeypatch.setattr(Standing, "steps", steps)
    return set_to


def composed(name: str, *overrides: str) -> DictConfig:
    GlobalHydra.instance().clear()
    with initialize_config_module("hl_cli.configs", version_base="1.3"):
        return compose(name, overrides=[*SMALL[name], *overrides])


def results(folder: Path) -> dict[str, object]:
    """What a task has written, as bytes; of chains, which tell how long they took, tables without that."""
    found: dict[str, object] = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    if not (folder / "draws.csv").exists():
        return found
    for name in ("replicates.csv", "summary.csv"):
        with (folder / name).open(newline="") as file:
            found[name] = [
                {key: v for key, v in row.items() if "per_second" not in key} for row in csv.DictReader(file)
            ]
    return {name: found[name] for name in found if name.endswith(".csv")}


@pytest.mark.parametrize("name", TASKS)
def test_a_task_that_is_killed_again_and_again_ends_with_the_bytes_of_one_that_was_not(
    name: str, tmp_path: Path, killed_at: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    whole.mkdir(), parts.mkdir()
    cfg = composed(name, f"checkpoint_every={1 if name == 'minimise' else 3}")
    tasks.perform(TASKS[name], cfg, whole)
    resumed, begun = None, []
    for step in KILLS[name]:
        killed_at(step)
        with pytest.raises(Killed):
            tasks.perform(TASKS[name], cfg, parts, resumed=resumed)
        assert {path.name for path in parts.iterdir()} == {".hydra", FOLDER}
        resumed = Resumed(parts, free=())
        begun.append(step_of(saved(parts)[0]))
    assert begun == sorted({*begun})  # each part of it went on where the one before had come to
    killed_at(None)
    write = tasks.write_json
    monkeypatch.setattr(tasks, "write_json", raising)
    with pytest.raises(Killed):  # while it writes its files
        tasks.perform(TASKS[name], cfg, parts, resumed=resumed)
    assert saved(parts)
    monkeypatch.setattr(tasks, "write_json", write)
    monkeypatch.setattr(Descent, "step", raising)  # nothing is learnt again
    assert tasks.perform(TASKS[name], cfg, parts, resumed=resumed).exit_code == 0
    assert results(parts) == results(whole) and not (parts / FOLDER).exists()
    row = scores_of(summary_of(whole))
    for arm in cfg.get("arms") or cfg.methods:  # a sweep of it has numbers of each
        assert any(key.startswith(f"{arm}_") and isinstance(value, float) for key, value in row.items())


def raising(*arguments: object) -> None:
    raise Killed


def test_a_signal_ends_a_task_after_the_step_in_hand_with_a_checkpoint(
    invoke: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """checkpoint_every=0: there is one all the same."""
    own, taken = Minimisation._replicate, []

    def interrupted(self: Minimisation, replicate: int) -> Any:
        taken.append(replicate)
        if taken == [0]:
            signal.raise_signal(signal.SIGINT)
        return own(self, replicate)

    monkeypatch.setattr(Minimisation, "_replicate", interrupted)
    command = ("task=minimise", *SMALL["minimise"], "checkpoint_every=0", "hydra.run.dir=one")
    code, out, err = invoke(*command)
    assert (code, err) == (130, "") and "stopped by SIGINT after step 1; go on: hl-run resume=one" in out
    assert {path.name for path in (tmp_path / "one").iterdir()} == {".hydra", FOLDER}
    code, _, err = invoke("resume=one", "trials=5")
    assert code == 1 and err == (
        "hl-run: trials=5: the config of a run stays as it is; allowed beside resume=: checkpoint_every=\n"
    )
    code, out, err = invoke("resume=one")
    assert (code, err) == (0, "") and "resumed   after step 1, from checkpoints/step-000000001.pt" in out
    assert taken == [0, 1, 2] and "resume=one" not in (tmp_path / "one" / "report.md").read_text()
    code, out, err = invoke("resume=one")
    assert (code, err) == (0, "") and out.endswith("one: finished; nothing is left to do\n")


def test_a_sweep_of_a_task_that_was_stopped_goes_on_in_the_job_in_hand(
    invoke: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, taken = Minimisation._replicate, []

    def interrupted(self: Minimisation, replicate: int) -> Any:
        taken.append((self.search.cfg.seed, replicate))
        if len(taken) == 5:  # the second of the second job
            signal.raise_signal(signal.SIGTERM)
        return own(self, replicate)

    monkeypatch.setattr(Minimisation, "_replicate", interrupted)
    folder = tmp_path / "sweep"
    code, out, err = invoke("-m", "task=minimise", *SMALL["minimise"], "seed=0,1", "hydra.sweep.dir=sweep")
    assert (code, err) == (143, "") and "2 jobs: 1 done, 1 failed" in out
    rows = [*csv.DictReader((folder / "sweep.csv").read_text().splitlines())]
    assert [row["status"] for row in rows] == ["done", "failed"]
    assert rows[1]["error"] == "stopped by SIGTERM after step 2" and rows[1]["adam_best"] == ""
    code, out, err = invoke("sweep.resume=sweep")
    assert (code, err) == (0, "") and "sweep of 2 jobs: 2 done" in out
    assert taken == [(seed, replicate) for seed in range(2) for replicate in range(3)]
    rows = [*csv.DictReader((folder / "sweep.csv").read_text().splitlines())]
    assert [row["status"] for row in rows] == ["done"] * 2 and rows[0]["folder"].startswith("minimise_quartic_")
    assert list(rows[0])[:4] == ["job", "seed", "adam_best", "rgd_best"]
    for row in rows:
        assert float(row["adam_best"]) == summary_of(folder / row["folder"])["adam"]["best"][1]
    page = (folder / "sweep.md").read_text()
    assert "| job | seed | arm | best |" in page and "| 1 | 1 | rgd |" in page and "weight diff" not in page
    assert "adam" in (folder / "sweep.html").read_text()


def test_a_checkpoint_of_another_task_and_a_damaged_one_are_refused(tmp_path: Path, killed_at: Any) -> None:
    cfg = composed("minimise")
    killed_at(3)
    with pytest.raises(Killed):
        tasks.perform(TASKS["minimise"], cfg, tmp_path)
    before = sorted(tmp_path.rglob("*"))
    other = composed("minimise", "seed=1")
    with pytest.raises(BadInput, match=r"^seed=1, and in the config of .*config.yaml.* 0$"):
        tasks.perform(TASKS["minimise"], other, tmp_path, resumed=Resumed(tmp_path, free=()))
    newest, older = saved(tmp_path)
    newest.write_bytes(newest.read_bytes()[:-70] + bytes(6) + newest.read_bytes()[-64:])
    with pytest.raises(BadInput, match=rf"{newest.name}: damaged.*the older one: hl-run resume=.*{older.name}$"):
        tasks.perform(TASKS["minimise"], cfg, tmp_path, resumed=Resumed(tmp_path, free=()))
    assert sorted(tmp_path.rglob("*")) == before
    killed_at(None)
    assert tasks.perform(TASKS["minimise"], cfg, tmp_path, resumed=Resumed(tmp_path, older, free=())).exit_code == 0


def test_a_descent_goes_on_with_its_bits() -> None:
    """Weights, what Adam remembers, the rate on its way down, and the random numbers."""

    def learnt(standing: Standing, most: int) -> torch.Tensor:
        w, memory = torch.ones(2, 3, 1, requires_grad=True), {"losses": torch.zeros(9, 2)}
        generator, descent = torch.Generator().manual_seed(1), Descent([([w], 0.1)], 9, 1.0)
        for step in standing.steps("part", 9, Moving(memory, [generator], descent)):
            if step > most:
                break
            loss = (w.flatten(1) - torch.rand(2, 3, generator=generator)).square().mean(1)
            descent.step(loss)
            memory["losses"][step - 1] = loss.detach()
        return torch.cat([w.detach().flatten(), memory["losses"].flatten()])

    kept: list[bytes] = []

    def save(of: Standing) -> None:
        memory = io.BytesIO()
        torch.save(of.state_dict(), memory)
        kept.append(memory.getvalue())

    once = learnt(Standing(), 9)
    learnt(Standing(lambda taken, over: taken == 4, save), 6)
    again = Standing()
    again.load_state_dict(torch.load(io.BytesIO(*kept), weights_only=True))
    seen: list[int] = []
    again.tick = seen.append
    assert torch.equal(learnt(again, 9), once) and seen == [4, 1, 1, 1, 1, 1] and again.taken == 9
