import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.learning import hindsight
from hyperrl.tasks import Family


def test_a_result_has_all_agents_and_is_computed_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["--seeds", "300", "--steps", "1200", "--results", str(tmp_path)]
    assert hindsight.main(command) == 0
    path = tmp_path / "point-reach" / "seed-300.json"
    result, before, family = json.loads(path.read_text()), path.stat(), Family.load("point-reach")
    assert result["agents"] == {"hindsight": "hyper-sac", "plain": "hyper-sac", "concat": "concat-sac"}
    assert result["recipe"]["agent"]["algorithm"]["her"] == {
        "n_sampled_goal": 4, "goal_selection_strategy": "future"
    }  # fmt: skip
    assert list(result["splits"]) == ["train", "interpolation", "extrapolation"]
    for split, rows in result["splits"].items():
        np.testing.assert_allclose(rows["contexts"], family.space.values(family.tasks(split)), rtol=1e-5)
        assert {np.shape(rows[name]) for name in result["agents"]} == {(20, 5)}
        assert np.min([rows[name] for name in result["agents"]]) >= -50
    assert capsys.readouterr().out.startswith("point-reach seed 300: train: hindsight ")
    assert hindsight.main(command) == 0
    assert path.stat() == before
