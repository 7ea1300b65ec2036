import contextlib
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from numpy.typing import NDArray

from hyperrl.errors import UserError
from hyperrl.evaluation import evaluate_tasks
from hyperrl.evaluation.canvas import Canvas
from hyperrl.evaluation.playback import Panel, frame_rate, render_episodes, tasks_to_watch
from hyperrl.evaluation.video import check_video, check_window, show_window, write_video
from hyperrl.tasks import Family, contextualize
from tests.evaluation.conftest import balance, drive

Frame = NDArray[np.uint8]
TASKS = [{"c0": 2.0}, {"c0": -6.0}, {"c0": 9.0}]


@pytest.fixture(scope="module")
def film() -> list[Frame]:
    return list(render_episodes(drive, Family.load("ode"), TASKS))


def test_a_film_shows_every_step_of_the_episode(film: list[Frame]) -> None:
    assert len(film) == 201
    assert {frame.shape for frame in film} == {film[0].shape}
    assert film[0].shape[0] % 16 == film[0].shape[1] % 16 == 0
    assert film[0].dtype == np.uint8


def test_frames_are_not_black_and_differ_over_time_in_every_panel(film: list[Frame]) -> None:
    height, width = film[0].shape[0] // 2, film[0].shape[1] // 2
    for top, left in ((0, 0), (0, width), (height, 0)):
        panel = np.stack([frame[top : top + height, left : left + width] for frame in film])
        assert panel.max() > 200
        assert panel.min() < 100
        assert all((one != other).any() for one, other in pairwise(panel[::10]))


def test_captions_say_task_and_return() -> None:
    family = Family.load("ode")
    panel = Panel(family.make(render_mode="rgb_array"), family.tasks("train")[-1], "train", {"c0": "1/s"})
    panel.reset(0, {"x": 1.0})
    assert panel.caption == ("train", "c0 = 5 1/s", "return 0.0, step 0")
    while panel.running:
        panel.step(drive({key: np.asarray(part)[None] for key, part in panel.observation.items()})[0])
    played = evaluate_tasks(drive, family, [{"c0": 5.0}], episodes=1)[0]
    assert panel.total == pytest.approx(played.returns[0])
    assert replace(panel, context=family.space.complete({"c0": 2.34567}), units={}).caption[1] == "c0 = 2.35"
    assert panel.caption == ("train", "c0 = 5 1/s", f"return {played.returns[0]:.1f}, step 200, ended")


@pytest.mark.parametrize(("metadata", "found"), [({}, "none"), ({"render_modes": ["human"]}, "'human'")])
def test_an_environment_without_pictures_is_refused(metadata: dict[str, Any], found: str) -> None:
    """Before its constructor meets a render_mode, which it may not take."""

    class Unseen(gym.Env[Any, Any]):
        observation_space = gym.spaces.Box(-1, 1, (1,))
        action_space = gym.spaces.Discrete(2)

        def __init__(self) -> None:
            self.gain, self.metadata = 1.0, metadata

    family = contextualize(Unseen, {"gain": {"train": [0.5, 2.0]}})
    with pytest.raises(UserError, match=f"Unseen renders no picture; .*found {found}; needed: 'rgb_array'"):
        frame_rate(family)


def test_captions_are_drawn_apart_and_inside_their_panel() -> None:
    white = np.full((100, 100, 3), 255, np.uint8)
    caption = (*(f"feature_{number} = {number}" for number in range(7)), "return 12.3, step 45")
    canvas = Canvas([(100, 100)] * 2, [caption] * 2)
    blank = canvas.picture([(white, ("", "")), (white, ("", ""))])
    written = canvas.picture([(white, caption), (white, ("", ""))])
    rows, columns = np.nonzero((written != blank).any(axis=2))
    assert rows.max() < written.shape[0] - 300
    assert columns.max() < written.shape[1] // 2
    inked = np.flatnonzero((written != blank).any(axis=(1, 2)))
    lines = 1 + int((np.diff(inked) > 1).sum())
    assert lines >= 3  # features that do not fit beside each other go below


def test_episodes_end_one_by_one_and_stay_as_they_ended(cartpole: Family) -> None:
    tasks = [cartpole.space.default, {**cartpole.space.default, "force_mag": 1.0, "length": 0.05}]
    film = list(render_episodes(balance, cartpole, tasks))
    half = film[0].shape[1] // 2
    left, right = (np.stack([f[:, part] for f in film]) for part in (slice(0, half), slice(half, None)))
    changes = [int((one[1:] != one[:-1]).any(axis=(1, 2, 3)).sum()) for one in (left, right)]
    assert changes[0] != changes[1]
    assert max(changes) == len(film) - 1


def test_some_held_out_tasks_are_shown_where_none_are_asked_for() -> None:
    family = Family.load("ode")
    chosen = tasks_to_watch(family, [])
    assert [family.flag(task) for task in chosen] == ["interpolation"] * 3 + ["extrapolation"] * 3
    assert tasks_to_watch(family, [{"c0": 7}]) == [{"c0": 7.0}]
    with pytest.raises(UserError, match="at most 16"):
        tasks_to_watch(family, [{"c0": 1.0}] * 17)
    assert frame_rate(family) == 30


@pytest.mark.parametrize("suffix", [".mp4", ".gif"])
def test_a_video_has_every_frame(film: list[Frame], tmp_path: Path, suffix: str) -> None:
    ffmpeg = pytest.importorskip("imageio_ffmpeg", reason="needs the extra: pip install 'hyperrl[video]'")
    path = tmp_path / f"film{suffix}"
    assert write_video(path, film[:20], 30) == 20
    raw = ["-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    decoded = subprocess.run([ffmpeg.get_ffmpeg_exe(), "-i", path, *raw], capture_output=True, check=True)
    read = np.frombuffer(decoded.stdout, np.uint8).reshape(20, *film[0].shape)
    assert np.abs(read[-1].astype(int) - film[19]).mean() < 4
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_a_film_that_breaks_off_leaves_the_old_file(film: list[Frame], tmp_path: Path) -> None:
    pytest.importorskip("imageio", reason="needs the extra: pip install 'hyperrl[video]'")
    path = tmp_path / "film.gif"
    path.write_bytes(b"old")

    def breaks() -> Iterator[Frame]:
        yield film[0]
        raise UserError("no more")

    with pytest.raises(UserError, match="no more"):
        write_video(path, breaks(), 30)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_wrong_file_is_refused_before_anything_is_played(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"ending in \.mp4 or \.gif"):
        check_video(tmp_path / "film.avi")


def test_folders_of_a_video_are_made_with_it(film: list[Frame], tmp_path: Path) -> None:
    check_video(tmp_path / "far" / "off" / "film.gif")
    assert list(tmp_path.iterdir()) == []
    write_video(tmp_path / "far" / "off" / "film.gif", film[:2], 30)
    assert [path.name for path in (tmp_path / "far" / "off").iterdir()] == ["film.gif"]


def test_without_a_display_there_is_no_window(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(UserError, match="no display"):
        check_window()


def test_a_display_that_does_not_answer_is_told(film: list[Frame], monkeypatch: pytest.MonkeyPatch) -> None:
    """SDL would draw into nothing, for as long as the episode lasts."""
    for name in ("WAYLAND_DISPLAY", "SDL_VIDEODRIVER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DISPLAY", ":77")
    with pytest.raises(UserError, match="no window can be opened"):
        show_window(film[:2], 1000, "ode")


def test_a_folder_that_takes_no_file_is_told(film: list[Frame], tmp_path: Path) -> None:
    pytest.importorskip("imageio", reason="needs the extra: pip install 'hyperrl[video]'")
    for path in (Path("/proc/film.gif"), tmp_path / f"{'x' * 300}.gif"):
        with contextlib.suppress(UserError):
            check_video(path)
        with pytest.raises(UserError, match="cannot be written"):
            write_video(path, film[:2], 30)


def test_a_window_shows_frames_until_they_end(film: list[Frame], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    check_window()
    assert show_window(film[:5], 1000, "ode") == 5
