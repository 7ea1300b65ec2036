"""What an agent chooses of its environments stands in its recipe."""

import pytest

from hyperrl.errors import UserError
from hyperrl.recipes import EnvironmentOptions, load_agent, load_family, resolve


def test_an_agent_that_chooses_nothing_has_the_familys_own_environments() -> None:
    assert load_agent("hyper-ppo").environment_options == EnvironmentOptions()


def test_a_choice_is_the_recipes_also_by_an_override() -> None:
    agent = resolve(load_agent("hyper-ppo"), load_family("ode"), ["frame_stack=4"])
    assert agent.environment_options == EnvironmentOptions(frame_stack=4)


@pytest.mark.parametrize("value", ["0", "1.5", "1001", "many", "[2]"])
def test_other_numbers_of_observations_are_refused(value: str) -> None:
    with pytest.raises(UserError, match=r"overrides: frame_stack: found .*; allowed: .*number"):
        resolve(load_agent("hyper-ppo"), load_family("ode"), [f"frame_stack={value}"])
