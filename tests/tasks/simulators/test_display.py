"""MuJoCo's choice of where it draws."""

import os
import sys

import pytest

from hyperrl.tasks.simulators.display import draw_without_a_window


@pytest.mark.parametrize(
    ("display", "chosen", "expected"),
    [(None, None, "egl"), (None, "osmesa", "osmesa"), (":0", None, None), (":0", "glfw", "glfw")],
)
def test_pictures_without_a_display_need_no_window(
    display: str | None, chosen: str | None, expected: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    for name, value in (("DISPLAY", display), ("MUJOCO_GL", chosen)):
        monkeypatch.setenv(name, value or "")
        if value is None:
            monkeypatch.delenv(name)
    draw_without_a_window()
    assert os.environ.get("MUJOCO_GL") == expected
