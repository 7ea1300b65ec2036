"""Moving pictures in a video file or a window."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

from hyperrl.arguments import to_path
from hyperrl.errors import UserError, user_syntax
from hyperrl.evaluation.canvas import Frame
from hyperrl.store import replacing, report_write_errors, try_writing
from hyperrl.tasks.dynamics.picture import surface

SUFFIXES = (".mp4", ".gif")
_INVISIBLE = ("offscreen", "dummy")
"""SDL's drivers without a display, which it chooses by itself where a display does not answer."""


def check_output(video: str | Path | None) -> Path | None:
    """Check where moving pictures go to, before anything is played.

    Args:
        video: a file; None: a window.

    Returns:
        The file's path; None for a window.

    Raises:
        UserError: the file cannot be written, its ending is another one, or there is no display for a window.
    """
    if video is None:
        display = any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"))
        if sys.platform == "linux" and not display:  # SDL would draw into nothing
            raise _no_window("there is no display for a window")
        return None
    path = to_path(user_syntax("video", "--video"), video)
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise UserError(f"video {str(path)!r}: a file ending in {' or '.join(SUFFIXES)} is needed")
    with report_write_errors("video", path):
        try_writing(path)
    if not find_spec("imageio") or (suffix == ".mp4" and not find_spec("imageio_ffmpeg")):
        raise UserError("video: needs an extra: pip install 'hyperrl[video]'")
    return path


def write_video(path: Path, frames: Iterable[Frame], rate: int) -> int:
    """Write a video atomically; returns the number of its frames.

    Args:
        path: ends in .mp4 or .gif; a file that is there is replaced, folders that are not there are made.
        frames: (height, width, 3) each, of one size.
        rate: frames a second.

    Raises:
        UserError: it cannot be written, as on a disk that is full.
    """
    from imageio import v2

    suffix = path.suffix.lower()
    timing = {"fps": rate} if suffix == ".mp4" else {"duration": 1000 / rate, "loop": 0}
    written = 0
    with report_write_errors("video", path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with (
            replacing(path, suffix) as beside,
            cast(Any, v2.get_writer(beside, mode="I", **timing)) as writer,
        ):
            for frame in frames:
                writer.append_data(frame)
                written += 1
    return written


def show_window(frames: Iterable[Frame], rate: int, title: str) -> int:
    """Show frames in a window until they end, or until the user closes it or presses Escape.

    Args:
        frames: (height, width, 3) each, of one size.
        rate: frames a second.
        title: of the window.

    Returns:
        Frames shown.

    Raises:
        UserError: there is no display.
    """
    import pygame

    try:
        pygame.display.init()
        driver = pygame.display.get_driver()
        if driver in _INVISIBLE and os.environ.get("SDL_VIDEODRIVER") != driver:
            raise pygame.error("the display does not answer")
        clock = pygame.time.Clock()
        window, count = None, 0
        for frame in frames:
            if window is None:
                window = pygame.display.set_mode((frame.shape[1], frame.shape[0]))
                pygame.display.set_caption(title)
            window.blit(surface(frame), (0, 0))
            pygame.display.flip()
            clock.tick(rate)
            count += 1
            closed = pygame.event.get(pygame.QUIT)
            if closed or any(event.key == pygame.K_ESCAPE for event in pygame.event.get(pygame.KEYDOWN)):
                break
            pygame.event.clear()
        return count
    except pygame.error as error:
        raise _no_window(f"no window can be opened ({error})") from error
    finally:
        pygame.display.quit()


def _no_window(reason: str) -> UserError:
    argument = user_syntax("video='film.mp4'", "--video FILE")
    return UserError(f"watch: {reason}; write a file by {argument}")
