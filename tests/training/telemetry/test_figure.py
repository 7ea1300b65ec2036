"""The figure of return over the context."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image

from hyperrl.store import Run
from hyperrl.tasks import Family
from hyperrl.training.telemetry.figure import grid, swept
from tests.training.telemetry.conftest import STEPS


def test_figure_of_return_over_context(run: Run, events: Any) -> None:
    images = events.Images("return_over_context")
    assert [image.step for image in images] == list(STEPS[1:])
    for image in images:
        decoded = np.asarray(Image.open(io.BytesIO(image.encoded_image_string)))
        assert decoded.shape == (image.height, image.width, 3)
        assert decoded.std() > 10
    with Image.open(run.figures / "return_over_context.png") as picture:
        assert picture.format == "PNG"


def test_tasks_of_the_figure_by_number_of_features() -> None:
    line, plane, signs, many = (
        Family.load(name) for name in ("ode", "ode-2d", "double-integrator", "cartpole")
    )
    assert swept(line) == ["c0"]
    assert {task["c0"] for task in grid(line, ["c0"])} >= set(range(-10, 11))
    assert len(swept(plane)) == 2
    assert len(grid(plane, swept(plane))) == 21 * 21
    assert len(grid(signs, swept(signs))) == 2 * 41
    most = {len(grid(family, swept(family), 16)) for family in (line, plane, signs)}
    assert most == {16}  # where playing more would take long beside the training
    assert swept(many) == ["gravity"]
    tasks = grid(many, ["gravity"])
    assert (tasks[0]["gravity"], tasks[-1]["gravity"]) == (1, 30)
    assert {task["masscart"] for task in tasks} == {1.0}
