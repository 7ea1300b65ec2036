import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.learning import distill
from hyperrl.tasks import Family


@pytest.mark.slow
def test_a_result_has_students_and_reinforcement_learning_in_as_many_steps(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["--families", "ode", "--seeds", "900", "--steps", "24000", "--results", str(tmp_path)]
    assert distill.main(command) == 0
    result, family = json.loads((tmp_path / "ode" / "seed-900.json").read_text()), Family.load("ode")
    roles = {distill.RL, distill.HYPER, distill.CONCAT, distill.NEAREST}
    for split, rows in result["splits"].items():
        assert rows.keys() - {"contexts", "oracle"} == roles
        assert {len(rows[role]) for role in roles} == {len(family.tasks(split))}
    steps = result["steps_of"]
    assert steps["shown"] == 4 * 200 * distill.EPISODES
    assert 0.6 * steps["rl"] < steps["specialists"] + steps["shown"] <= steps["rl"]
    train = result["splits"]["train"]
    assert np.abs(np.subtract(train[distill.NEAREST], train[distill.HYPER])).mean() < 60
    assert capsys.readouterr().out.startswith("ode seed 900: train: rl ")


def test_specialists_share_the_steps() -> None:
    assert distill.steps_of_a_specialist(100_000, 4, 8_000, 2048) == 22_528  # eleven rollouts of 23,000
    assert distill.steps_of_a_specialist(2_048, 20, 20_000, 2048) == 2_048


def test_the_nearest_training_task() -> None:
    family = Family.load("double-integrator")
    (task,) = [{"action_sign": -1.0, "mass": 1.9}]
    assert family.tasks("train")[distill.nearest(family, task)] == {"action_sign": -1.0, "mass": 1.5}
    for number, own in enumerate(family.tasks("train")):
        assert distill.nearest(family, own) == number
