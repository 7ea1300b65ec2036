import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.learning import controls
from hyperrl.tasks import Family


def test_a_result_has_both_ways_of_playing_and_the_blind_agent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["--families", "point-goal", "--seeds", "200", "--steps", "2048", "--results", str(tmp_path)]
    assert controls.main(command) == 0
    path = tmp_path / "point-goal" / "seed-200.json"
    result, before, family = json.loads(path.read_text()), path.stat(), Family.load("point-goal")
    assert result["agents"] == {"hyper": "hyper-ppo", "blind": "blind-ppo"}
    assert list(result["splits"]) == ["train", "interpolation"]
    for split, rows in result["splits"].items():
        np.testing.assert_allclose(rows["contexts"], family.space.values(family.tasks(split)), rtol=1e-5)
        scores = {name: np.array(rows[name]) for name in ("own", "shuffled", "blind")}
        assert {each.shape for each in scores.values()} == {(len(rows["contexts"]), 5)}
        assert not np.array_equal(scores["own"], scores["shuffled"])
    assert capsys.readouterr().out.startswith("point-goal seed 200: train: own ")
    assert controls.main(command) == 0
    assert path.stat() == before


@pytest.mark.parametrize("name", controls.FAMILIES)
def test_every_split_has_tasks_to_shuffle(name: str) -> None:
    family = Family.load(name)
    assert all(len(family.tasks(split)) != 1 for split in controls.SPLITS)
