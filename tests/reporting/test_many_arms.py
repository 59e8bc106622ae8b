"""What a reader sees of many arms: every arm with physics in its picture, columns in place of a sentence."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from matplotlib.figure import Figure

from hl_cli.reporting import console, physics
from hl_cli.reporting.canvas import canvas
from hl_cli.reporting.palette import color_of, looks
from hl_cli.reporting.physics import ENERGIES, NORMS, draw_physics
from hl_cli.types import Physics

ARMS = ["hl", "hl_wave", "hl_explicit", "hl_local"]


def summary(arms: list[str]) -> dict[str, Any]:
    of = {"final_loss": 0.5, "steps_per_second": 10.0, "r2": 0.1, "held_out_r2": 0.2, "cumulative_r2": 0.3}
    return {"arms": arms, "labels": {arm: arm for arm in arms}, "reference": None, "metrics": ["r2"],
            **dict.fromkeys(arms, of)}  # fmt: skip


@pytest.mark.parametrize("arms", [ARMS[:1], ARMS])
def test_the_picture_of_the_physics_has_every_arm(
    arms: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [field.name for field in fields(Physics)]
    with (tmp_path / "physics.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["step", *["arm"] * (len(arms) > 1), *names])
        for step in (1, 2, 3):
            for k, arm in enumerate(arms):
                writer.writerow([step, *[arm] * (len(arms) > 1), *(step + 10 * k + j for j in range(len(names)))])
    seen: list[tuple[Any, list[float]]] = []

    @contextmanager
    def watched(*given: Any, **more: Any) -> Iterator[tuple[Figure, Any]]:
        with canvas(*given, **more) as (figure, axes):
            yield figure, axes
            seen.extend((line.get_color(), [*line.get_ydata()]) for axis in axes.flat for line in axis.lines)

    monkeypatch.setattr(physics, "canvas", watched)
    shown = looks(summary(arms))
    draw_physics(tmp_path, "title", shown)
    assert (tmp_path / "physics.png").read_bytes().startswith(b"\x89PNG")
    place = {name: names.index(name) for name in (*ENERGIES, *NORMS)}
    drawn = [values for _, values in seen]
    assert drawn == [[step + 10 * k + j for step in (1, 2, 3)] for j in place.values() for k in range(len(arms))]
    if len(arms) > 1:
        colors = [color_of(arm.key) for arm in shown]
        assert [color for color, _ in seen] == colors * len(place) and len(set(colors)) == len(arms)


def test_the_scores_over_all_steps_are_columns_of_many_arms() -> None:
    few, many = summary(ARMS[:2]), summary(ARMS)
    assert console.table(few)[0] == ["", "loss", "r2", "held-out r2", "steps/s"]
    assert console.cumulative(few) == "r2 0.300 (hl), 0.300 (hl_wave)"
    assert console.table(many)[0] == ["", "loss", "r2", "held-out r2", "all steps: r2", "steps/s"]
    assert console.table(many)[1] == ["hl", "0.5", "0.100", "0.200", "0.300", "10"] and console.cumulative(many) == ""


def test_nets_of_different_sizes_are_told_with_their_weights() -> None:
    of = summary(ARMS[:2])
    for name, size in zip(ARMS, (7, 123456), strict=False):
        of[name] = {**of[name], "weights": size}
    assert [row[:3] for row in console.table(of)] == [
        ["", "weights", "loss"],
        [ARMS[0], "7", "0.5"],
        [ARMS[1], "123,456", "0.5"],
    ]
