"""What an agent's choices of its environments cost is measured, side by side."""

from pathlib import Path

import pytest

from benchmarks.speed import environment_options
from hyperrl.recipes import is_missing
from hyperrl.tasks import Family
from tests.benchmarks.speed.test_quick import quick


def test_every_way_to_step_is_measured(tmp_path: Path) -> None:
    measures = quick(environment_options.main, tmp_path / "options.json")
    for case in environment_options.CASES:
        if is_missing(Family.load(case.family).recipe.extra):
            continue
        ratio = measures[f"frame_stack: 4 over 1, steps per second, {case.name}"]
        assert ratio["goal"] == ">= 0.9"
        stacked, plain = (
            measures[f"{what}, {case.name}"]["value"] for what in ("frame_stack: 4", "without it")
        )
        assert ratio["value"] == pytest.approx(stacked / plain, rel=1e-2)
