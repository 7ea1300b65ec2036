import json
from pathlib import Path

import pytest

from benchmarks.learning import aims
from hyperrl.tasks import Family


def test_a_discount_has_returns_of_one_run_and_of_a_run_for_each(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["--quick", "--steps", "512", "--families", "ode", "--results", str(tmp_path)]
    assert aims.main(command) == 0
    result = json.loads((tmp_path / "ode" / "seed-900.json").read_text())
    assert result["planned_steps"] == 512
    names = {f"{gamma:g}" for gamma in aims.DISCOUNTS}
    for returns in result["returns"].values():
        assert returns.keys() == names
        assert {len(each) for each in returns.values()} == {result["tasks"]}
    assert capsys.readouterr().out.startswith(
        "ode seed 900: one run / of total steps / separate, by discount: 0.8 "
    )


@pytest.mark.slow
def test_a_front_has_hypervolumes_of_one_run_and_of_separate_ones(tmp_path: Path) -> None:
    pytest.importorskip("moocore")
    command = ["--quick", "--families", "pendulum-effort", "--results", str(tmp_path)]
    assert aims.main(command) == 0
    result = json.loads((tmp_path / "pendulum-effort" / "seed-900.json").read_text())
    assert result["hypervolume"].keys() == {"front", "context", "separate"}
    assert {len(points) for points in result["points"].values()} == {5}


def test_each_task_has_every_discount() -> None:
    family = aims.with_discounts(Family.load("ode"))
    assert len(family.tasks(aims.SPLIT)) == 5 * len(Family.load("ode").tasks(aims.SPLIT))
