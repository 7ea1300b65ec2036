import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from hyperrl.errors import UserError
from hyperrl.evaluation.video import check_output, show_window, write_video

Frame = NDArray[np.uint8]


@pytest.mark.parametrize("suffix", [".mp4", ".gif"])
def test_a_video_has_every_frame(film: list[Frame], tmp_path: Path, suffix: str) -> None:
    ffmpeg = pytest.importorskip("imageio_ffmpeg", reason="needs the extra: pip install 'hyperrl[video]'")
    path = tmp_path / f"film{suffix}"
    assert write_video(path, film[:5], 30) == 5
    raw = ["-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    decoded = subprocess.run([ffmpeg.get_ffmpeg_exe(), "-i", path, *raw], capture_output=True, check=True)
    read = np.frombuffer(decoded.stdout, np.uint8).reshape(5, *film[0].shape)
    assert np.abs(read[-1].astype(int) - film[4]).mean() < 4
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
        check_output(tmp_path / "film.avi")


def test_folders_of_a_video_are_made_with_it(film: list[Frame], tmp_path: Path) -> None:
    check_output(tmp_path / "far" / "off" / "film.gif")
    assert list(tmp_path.iterdir()) == []
    write_video(tmp_path / "far" / "off" / "film.gif", film[:2], 30)
    assert [path.name for path in (tmp_path / "far" / "off").iterdir()] == ["film.gif"]


def test_without_a_display_there_is_no_window(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(UserError, match="no display"):
        check_output(None)


def test_a_display_that_does_not_answer_is_reported(
    film: list[Frame], monkeypatch: pytest.MonkeyPatch
) -> None:
    """SDL would draw into nothing, for as long as the episode lasts."""
    for name in ("WAYLAND_DISPLAY", "SDL_VIDEODRIVER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DISPLAY", ":77")
    with pytest.raises(UserError, match="no window can be opened"):
        show_window(film[:2], 1000, "ode")


def test_a_folder_that_takes_no_file_is_reported(film: list[Frame], tmp_path: Path) -> None:
    pytest.importorskip("imageio", reason="needs the extra: pip install 'hyperrl[video]'")
    for path in (Path("/proc/film.gif"), tmp_path / f"{'x' * 300}.gif"):
        with contextlib.suppress(UserError):
            check_output(path)
        with pytest.raises(UserError, match="cannot be written"):
            write_video(path, film[:2], 30)


def test_a_window_shows_frames_until_they_end(film: list[Frame], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    check_output(None)
    assert show_window(film[:5], 1000, "ode") == 5
