import json
from pathlib import Path

import pytest

from benchmarks.learning import family_transfer
from hyperrl.tasks import Family


@pytest.mark.slow
def test_a_result_has_curves_of_both_ways(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["--families", "ode-2d-axis", "--seeds", "800", "--steps", "4000", "--results", str(tmp_path)]
    assert family_transfer.main(command) == 0
    result = json.loads((tmp_path / "ode-2d-axis" / "seed-800.json").read_text())
    assert (result["source"], result["features"]) == ("ode", ["c0", "c1"])
    for way in (family_transfer.MOVED, family_transfer.SCRATCH):
        assert result["curves"][way]["steps"] == [0, 2048, 4096]
        assert len(result["curves"][way]["interpolation"]) == 3
        assert len(result["splits"]["extrapolation"][way]) == 10
    assert capsys.readouterr().out.startswith("ode-2d-axis seed 800: interpolation: scratch ")


def test_the_axis_has_the_tasks_of_ode() -> None:
    axis, line = family_transfer.axis_of_ode_2d(), Family.load("ode")
    for split in ("train", "validation", *family_transfer.PLAYED):
        assert [task["c0"] for task in axis.tasks(split)] == [task["c0"] for task in line.tasks(split)]
        assert {task["c1"] for task in axis.tasks(split)} == {0.0}
    assert axis.recipe.training.steps == family_transfer.STEPS_OF_AXIS


@pytest.mark.parametrize("name", family_transfer.FAMILIES)
def test_the_families_observe_and_act_alike(name: str) -> None:
    source, target = family_transfer.PAIRS[name]
    first, second = Family.load(source), target()
    assert first.action_space == second.action_space
    assert first.space.names != second.space.names
