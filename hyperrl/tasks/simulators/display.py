"""Where MuJoCo draws."""

import os
import sys


def draw_without_a_window() -> None:
    """Let MuJoCo draw through EGL where there is no display and the user has not chosen (MUJOCO_GL)."""
    if sys.platform == "linux" and not os.environ.get("DISPLAY"):
        os.environ.setdefault("MUJOCO_GL", "egl")
