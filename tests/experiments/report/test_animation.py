"""The first agent is played on a task of each split, and its pictures become one GIF."""

from base64 import b64decode
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from hyperrl import api
from hyperrl.experiments.report.animation import animate
from hyperrl.tasks import Family
from tests.runs import message


def test_three_tasks_move_side_by_side(trained: Path) -> None:
    found = animate(api.load(trained), "hyper-ppo")
    head, _, data = found.source.partition(",")
    assert head == "data:image/gif;base64"
    image = Image.open(BytesIO(b64decode(data)))
    assert image.size[0] == found.width == 840
    assert 50 < getattr(image, "n_frames", 1) <= 110
    assert found.caption == "hyper-ppo acts on the middle task of train, interpolation, extrapolation."


def test_a_family_without_tasks_or_pictures_is_refused(
    trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = api.load(trained)
    monkeypatch.setattr(Family, "tasks", lambda self, split: [])
    assert "has no tasks" in message(animate, agent, "hyper-ppo")
