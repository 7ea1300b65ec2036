import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.learning import inferred
from hyperrl.recipes import load_agent, resolve
from hyperrl.tasks import Family
from hyperrl.training.parameter_matching import count_parameters


def test_a_result_has_all_agents_and_is_computed_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["--seeds", "400", "--families", "ode", "--policies", "off-policy", "--steps", "1100",
               "--results", str(tmp_path)]  # fmt: skip
    assert inferred.main(command) == 0
    path = tmp_path / "off-policy" / "ode" / "seed-400.json"
    result, before, family = json.loads(path.read_text()), path.stat(), Family.load("ode")
    assert result["agents"] == {
        "hyper": "hyper-sac-inferred", "concat": "concat-sac-inferred", "blind": "blind-sac",
        "context": "hyper-sac",
    }  # fmt: skip
    assert result["recipe"]["agent"]["policy"]["inference"]["window"] == 16
    assert list(result["splits"]) == ["train", "interpolation", "extrapolation"]
    for split, rows in result["splits"].items():
        for name in result["agents"]:
            assert np.shape(rows[name])[0] == len(family.tasks(split))
    assert capsys.readouterr().out.startswith("ode seed 400: train: hyper ")
    assert inferred.main(command) == 0
    assert path.stat() == before


def test_the_lstm_has_as_many_parameters() -> None:
    family = Family.load("ode")
    spaces = family.observation_space, family.action_space

    def count(agent: str, *overrides: str) -> int:
        return count_parameters(resolve(load_agent(agent), family.recipe, overrides), *spaces)

    matched = count("blind-recurrent-ppo", f"policy.lstm_hidden_size={inferred.matched_size(family)}")
    assert abs(matched / count("hyper-recurrent-ppo") - 1) < 0.02
