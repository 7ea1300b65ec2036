"""Arguments that name recipes: an agent or a family by name or file, or a pair that can learn."""

from pathlib import Path

import pytest

from hyperrl.cli import main
from hyperrl.cli.recipe import load, load_pair
from hyperrl.recipes import AgentRecipe, FamilyRecipe, shipped
from tests.runs import message


def test_a_name_or_a_file_is_an_agent_or_a_family(tmp_path: Path) -> None:
    copy = tmp_path / "copy.yaml"
    files = {**shipped("agents"), **shipped("envs")}
    for name, kind in (("hyper-ppo", AgentRecipe), ("ode", FamilyRecipe)):
        copy.write_text(files[name].read_text())
        for recipe in (load(name), load(str(copy))):
            assert isinstance(recipe, kind)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("hyper-sack", "no agent or family 'hyper-sack'; did you mean 'hyper-sac'?"),
        ("Arm-v0", "a Gymnasium id becomes a family by a YAML file with `base: Arm-v0`"),
        ("a/arm.py", "found a Python file; allowed: a name, or a YAML file with `base: arm.py:CLASS`"),
    ],
)
def test_what_is_neither_is_reported_in_one_line(name: str, says: str) -> None:
    assert says in message(load, name)


def test_a_pair_has_the_overrides_and_actions_that_fit() -> None:
    recipe, family = load_pair("hyper-ppo", "ode", ["n_envs=3"])
    assert (recipe.n_envs, family.name) == (3, "ode")
    assert "is for discrete actions; found Box" in message(load_pair, "hyper-dqn", "ode", [])


CHOOSING = """
import gymnasium as gym
from gymnasium import spaces

class Choosing(gym.Env):
    observation_space, action_space, gain = spaces.Discrete(3), spaces.Discrete(2), 1.0

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return 0, {}

    def step(self, action):
        return int(action), self.gain, False, False, {}
"""


def test_observations_that_cannot_be_stacked_are_a_mistake_of_the_users(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "choosing.py").write_text(CHOOSING)
    family = tmp_path / "choosing.yaml"
    family.write_text(
        "{about: x, base: choosing.py:Choosing, kwargs: {max_episode_steps: 9},"
        " features: {gain: {about: x, default: 1, train: [0.5, 2]}}}"
    )
    stacked = ["--set", "frame_stack=4"]
    for command in (
        ["train", "hyper-ppo", str(family), *stacked, "--out", str(tmp_path / "run")],
        ["check", "hyper-ppo", "--family", str(family), *stacked],
        ["describe", "hyper-ppo", str(family), *stacked],
    ):
        assert main(command) == 2
        error = capsys.readouterr().err
        assert "frame_stack: found 4; allowed: 1 with observations of Discrete(3)" in error
        assert error.count("\n") == 1
    assert not (tmp_path / "run").exists()
