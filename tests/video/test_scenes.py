"""The frames of task=video: drawn exactly, at the right time, on both sides of frame 0."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from hl_cli.errors import BadInput
from hl_cli.replicates.draws import generator_of
from hl_cli.video import scores
from hl_cli.video.frames import drawn
from hl_cli.video.rollouts import Truth
from hl_cli.video.scenes.base import Scene
from hl_cli.video.scenes.mass_spring import MassSpring
from hl_cli.video.scenes.pendulum import Pendulum
from hl_cli.video.scenes.recorded import Recorded
from hl_cli.video.scenes.two_body import TwoBody

SIZE = 16


def noise(what: str = "films") -> torch.Generator:
    return generator_of(0, 0, what)


def test_a_blob_is_a_gaussian_about_its_place_with_y_up() -> None:
    place = torch.tensor([[0.5, 0.9]], dtype=torch.float64)
    frame = drawn(place, SIZE, 1.4, 0.22).view(SIZE, SIZE)
    for row, column in ((0, 0), (2, 10), (3, 11), (9, 4)):
        x, y = 1.4 * ((2 * column + 1) / SIZE - 1), 1.4 * (1 - (2 * row + 1) / SIZE)
        assert float(frame[row, column]) == pytest.approx(math.exp(-((x - 0.5) ** 2 + (y - 0.9) ** 2) / (2 * 0.22**2)))
    middle = torch.arange(SIZE, dtype=torch.float64)
    assert float((frame.sum(1) * middle).sum() / frame.sum()) < SIZE / 3 < SIZE / 2 < float(frame.sum(0).argmax())
    two = drawn(torch.tensor([[0.0, 0.0], [0.0, 0.0]]), SIZE, 1.4, 0.22)
    assert float(two.max()) == 1  # two blobs in one place are no brighter than white


@pytest.mark.parametrize("scene", [MassSpring(), Pendulum(), TwoBody()], ids=lambda of: type(of).__name__)
def test_a_film_goes_both_ways_in_time_and_at_three_speeds(scene: Scene) -> None:
    """Frames before 0 are those of the motion that reaches the start; every body is in the picture."""
    film = scene.film(3, 4, 9, scene.dt, SIZE, noise())
    normal, half, double = film.frames(-4, 14), film.frames(0, 9, 0.5), film.frames(0, 5, 2.0)
    assert normal.shape == (3, 14, SIZE * SIZE) and normal.dtype == torch.float32
    torch.testing.assert_close(half[:, ::2], normal[:, 4:9], rtol=0, atol=0)
    torch.testing.assert_close(double, normal[:, 4::2], rtol=0, atol=0)
    q, v = scene.draw(3, noise())
    early, speed = scene.system.trajectory(q, -v, scene.dt, 4)
    path = scene.system.trajectory(early[-1], -speed[-1], scene.dt, 13)[0]
    places = scene.places(path).transpose(0, 1)
    assert float(places.abs().max()) < scene.edge - scene.width
    torch.testing.assert_close(normal, drawn(places.float(), SIZE, scene.edge, scene.width), rtol=0, atol=1e-5)
    assert film.energy is not None
    torch.testing.assert_close(film.energy, scene.system.energy(q, v))


def test_a_pendulum_swings_and_does_not_turn_over() -> None:
    scene = Pendulum(gravity=9.82, length=0.5)
    q, v = scene.draw(2000, noise())
    share = scene.system.energy(q, v) / (2 * 9.82 * 0.5)
    assert 0.1 <= float(share.min()) < 0.11 and 0.82 < float(share.max()) <= 5 / 6 + 1e-12
    assert abs(float(q.mean())) < 0.05 and abs(float(v.sign().mean())) < 0.05


def test_scores_are_one_for_the_mean_frame_and_infinite_for_what_is_not_finite() -> None:
    truth = torch.rand(2, 5, 7, 9, generator=noise())
    power = scores.variance(truth)
    mean = truth.mean((1, 2), keepdim=True).expand_as(truth)
    torch.testing.assert_close(scores.by_frame(mean, truth, power).mean(0), torch.ones(2))
    assert scores.by_frame(mean * torch.nan, truth, power).isinf().all()
    start = torch.randn(2, 50, 4, generator=noise())
    back = start.clone()
    back[1, 3, 2] += 2.0
    found = scores.there_and_back(start, back)
    assert float(found[0]) == 0 and float(found[1]) == pytest.approx(2, rel=0.2)
    energy = torch.arange(6.0).exp().expand(2, 6)
    torch.testing.assert_close(scores.rank(-energy, energy**2), torch.ones(2, dtype=torch.float64))
    assert not scores.wander(energy.expand(3, 2, 6)).any()


def stored(path: Path, found: np.ndarray) -> Path:
    np.save(path, found)
    return path


def test_recorded_videos_are_split_and_scaled(tmp_path: Path) -> None:
    found = np.zeros((10, 12, 4, 4), np.uint8)
    found[:] = np.arange(10).reshape(10, 1, 1, 1) * 20 + np.arange(12).reshape(1, 12, 1, 1)
    scene = Recorded(str(stored(tmp_path / "v.npy", found)))
    scene.check(4, 2)
    videos = scene.videos(40, 5, 0.1, 4, noise())
    first = (videos[:, 0, 0] * 255).round()
    assert videos.shape == (40, 5, 16) and float(first.max()) < 8 * 20 and len(set(first.tolist())) > 10
    torch.testing.assert_close(videos[:, 1:] - videos[:, :-1], torch.full((40, 4, 16), 1 / 255), rtol=0, atol=1e-6)
    film = scene.film(2, 3, 8, 0.1, 4, noise())
    truth = Truth.of([film], 6, 3, 9, "cpu", torch.float64)
    assert truth.normal.shape == (1, 2, 12, 16) and [*truth.speeds] == ["double"] and truth.energy is None
    assert sorted((truth.first[0, :, 0, 0] * 255).round().tolist()) == [8 * 20 + 3, 9 * 20 + 3]


def test_a_file_of_frames_that_cannot_be_used_is_refused_in_a_line(tmp_path: Path) -> None:
    whole = np.zeros((6, 8, 4, 4))
    holed = whole.copy()
    holed[1, 0, 2, 3] = np.nan
    cases = {
        "short": (whole[0], "float64 of shape (8, 4, 4); allowed: an array (videos, frames, rows, columns)"),
        "words": (np.full((2, 3, 4, 4), "x"), "<U1 of shape (2, 3, 4, 4); allowed: "),
        "nan": (holed, "video 1, frame 0, row 2, column 3: nan"),
        "bright": (whole + 1.5, "video 0, frame 0, row 0, column 0: 1.5; allowed: a finite number of 0 to 1"),
        "sixteen": (np.full((2, 3, 4, 4), 256, np.int16), ": 256; allowed: a finite number of 0 to 255"),
    }  # fmt: skip
    for name, (found, said) in cases.items():
        with pytest.raises(BadInput) as error:
            Recorded(str(stored(tmp_path / f"{name}.npy", found)))
        assert said in str(error.value) and "\n" not in str(error.value), name
    for name, held in (("text", "no array"), ("empty", ""), ("cut", "PK\3\4 the begin of an archive")):
        (tmp_path / f"{name}.npy").write_text(held)
    for path, said in (
        (tmp_path / "none.npy", "cannot be read: No such file"),
        (tmp_path / "text.npy", "allowed: an "),
        (tmp_path / "empty.npy", "No data left in file; allowed: an "),
        (tmp_path / "cut.npy", "allowed: an "),
    ):
        with pytest.raises(BadInput, match=said):
            Recorded(str(path))
    scene = Recorded(str(stored(tmp_path / "v.npy", whole)))
    for size, judged, said in (
        (16, 1, "frames of 4 x 4 pixels; allowed: 16 x 16, by size=16"),
        (4, 9, "judged=9 (scene.path="),
    ):
        with pytest.raises(BadInput) as error:
            scene.check(size, judged)
        assert said in str(error.value)
