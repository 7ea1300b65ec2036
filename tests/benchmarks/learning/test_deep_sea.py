import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.learning import deep_sea


def test_a_run_writes_its_episodes_and_is_not_repeated(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["--sizes", "10", "--agents", "hyper-dqn-index", "--seeds", "7", "--steps", "300"]
    command += ["--results", str(tmp_path)]
    assert deep_sea.main(command) == 0
    path = tmp_path / "10" / "hyper-dqn-index" / "seed-7.json"
    result, before = json.loads(path.read_text()), path.stat()
    assert (result["episodes"], result["steps"], result["solved"]) == (30, 300, False)
    assert result["recipe"]["family"]["kwargs"] == {"largest": 10, "mapping_seed": 7}
    assert result["recipe"]["agent"]["algorithm"]["learning_starts"] == 128
    assert capsys.readouterr().out.startswith("size 10 hyper-dqn-index seed 7: not solved in 30 episodes")
    assert deep_sea.main(command) == 0
    assert path.stat() == before


def test_a_sea_has_one_size_and_the_actions_of_its_seed() -> None:
    one, other = deep_sea.sea(30, 1), deep_sea.sea(30, 2)
    assert one.tasks("train") == [{"size": 30.0}]
    assert one.observation_space["obs"].shape == (900,)  # type: ignore[index]
    rewards = []
    for family in (one, other):
        env = family.make("train")
        env.reset(seed=0)
        rewards.append([env.step(0)[1] for _ in range(30)])
    assert rewards[0] != rewards[1]


def test_a_sea_is_solved_by_a_hundred_good_episodes() -> None:
    noted = deep_sea.UntilSolved()
    noted.returns = [0.99] * 99
    assert not noted.solved
    noted.returns.append(0.99)
    assert noted.solved
    noted.returns = [-0.01] * 10 + [0.99] * 90
    assert np.mean(noted.returns) < 0.9
    assert not noted.solved
