"""Wrappers by name around an environment: Gymnasium's own numbers, and classes of one's own."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import wrappers

from hyperrl.errors import UserError
from hyperrl.recipes import WrapperRecipe, parse_agent
from hyperrl.tasks.wrappers import check_wrappers, wrap, wrapper_class
from tests.forgetting import forgetting_imports
from tests.recipes.mistakes import agent
from tests.runs import message

OWN = """
import gymnasium as gym

class Doubling(gym.RewardWrapper):
    def __init__(self, env, factors=(2,), *, label="x"):
        super().__init__(env)
        self.factors, self.label = factors, label

    def reward(self, reward):
        return reward * self.factors[0]

class Failing(gym.Wrapper):
    def __init__(self, env):
        raise RuntimeError("no luck")

class Other:
    pass
"""


@pytest.fixture(autouse=True)
def fresh_imports(tmp_path: Path) -> Iterator[None]:
    with forgetting_imports(tmp_path):
        yield


@pytest.fixture
def own(tmp_path: Path) -> str:
    (tmp_path / "owns.py").write_text(OWN)
    return str(tmp_path)


def recipes(*written: Any) -> tuple[WrapperRecipe, ...]:
    return parse_agent(agent(wrappers=list(written)), "test").wrappers


CASES: list[tuple[list[Any], Any]] = [
    (["TimeAwareObservation"], wrappers.TimeAwareObservation),
    (
        [{"TimeAwareObservation": {"flatten": False, "normalize_time": True}}],
        lambda env: wrappers.TimeAwareObservation(env, flatten=False, normalize_time=True),
    ),
    (
        [{"RescaleAction": {"min_action": [-0.5], "max_action": [1]}}],
        lambda env: wrappers.RescaleAction(env, np.array([-0.5], np.float32), np.array([1], np.float32)),
    ),
    (
        [{"RescaleObservation": {"min_obs": [-2, -1, -8], "max_obs": [1, 0, 1]}}],
        lambda env: wrappers.RescaleObservation(env, *np.array([[-2, -1, -8], [1, 0, 1]], np.float32)),
    ),
    ([{"ReshapeObservation": {"shape": [3, 1]}}], lambda env: wrappers.ReshapeObservation(env, (3, 1))),
    ([{"DelayObservation": {"delay": 2}}], lambda env: wrappers.DelayObservation(env, 2)),
    ([{"FrameStackObservation": {"stack_size": 3}}], lambda env: wrappers.FrameStackObservation(env, 3)),
    ([{"ClipReward": {"min_reward": -1}}], lambda env: wrappers.ClipReward(env, -1)),
    (
        [{"StickyAction": {"repeat_action_probability": 0.5, "repeat_action_duration": [1, 3]}}],
        lambda env: wrappers.StickyAction(env, 0.5, (1, 3)),
    ),
    (
        [{"RepeatAction": {"num_repeats": 2}}, "TimeAwareObservation", {"DelayObservation": {"delay": 1}}],
        lambda env: wrappers.DelayObservation(
            wrappers.TimeAwareObservation(wrappers.RepeatAction(env, 2)), 1
        ),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("written", "theirs"), CASES)
def test_the_numbers_are_gymnasiums(written: list[Any], theirs: Any) -> None:
    """The first wrapper is the innermost; lists are what the constructors take."""
    one, other = theirs(gym.make("Pendulum-v1")), wrap(gym.make("Pendulum-v1"), recipes(*written), "test")
    assert one.observation_space == other.observation_space
    assert one.action_space == other.action_space
    for seed in (3, None):
        seen, found = one.reset(seed=seed)[0], other.reset(seed=seed)[0]
        for _ in range(12):
            np.testing.assert_equal(found, seen)
            action = one.action_space.sample()
            seen, *rest, _ = one.step(action)
            found, *rest_, _ = other.step(action)
            assert rest == rest_


def test_a_class_of_ones_own_gets_its_data(own: str) -> None:
    given = {"owns.py:Doubling": {"factors": [3, 4], "label": "y"}}
    (recipe,) = (each.model_copy(update={"folder": own}) for each in recipes(given))
    for code in (recipe, recipe.model_copy(update={"name": "owns:Doubling"})):
        env: Any = wrap(gym.make("Pendulum-v1"), [code], "test")
        assert (env.factors, env.label) == ([3, 4], "y")
        env.factors.append(5)
        assert code.arguments["factors"] == [3, 4], "the recipe is not the wrapper's to change"


def test_an_installed_module_is_found() -> None:
    (recipe,) = recipes("stable_baselines3.common.atari_wrappers:MaxAndSkipEnv")
    assert wrapper_class(recipe, "test").__name__ == "MaxAndSkipEnv"


WRONG: list[tuple[Any, str]] = [
    ("owns.py:Doublin", "wrapper 'owns.py:Doublin': '.*owns.py' has no such class; did you mean 'Doubling'?"),
    ("owns.py:Other", "'Other' that is no subclass of gymnasium.Wrapper"),
    ("absent.py:Other", "test: wrapper 'absent.py:Other' cannot be made: no file '.*absent.py'"),
    ("no_such_module:Other", "cannot be made: No module named 'no_such_module'; looked in"),
    ({"owns.py:Doubling": {"factor": [1]}}, "unknown argument 'factor'; did you mean 'factors'?"),
    ({"owns.py:Doubling": {"env": 1}}, "unknown argument 'env'; known: factors, label"),
]  # fmt: skip


@pytest.mark.parametrize(("written", "says"), WRONG)
def test_what_is_wrong_is_found_without_an_environment(written: Any, says: str, own: str) -> None:
    (recipe,) = (each.model_copy(update={"folder": own}) for each in recipes(written))
    with pytest.raises(UserError, match=says) as error:
        check_wrappers([recipe], "test")
    assert "\n" not in str(error.value)


REFUSING: list[tuple[Any, str]] = [
    (
        {"DelayObservation": {"delay": "two"}},
        "test: wrapper DelayObservation(delay='two') cannot be made: The delay is expected to be an integer,"
        " actual type: <class 'str'>",
    ),
    ({"FilterObservation": {"filter_keys": ["a"]}}, "FilterObservation(filter_keys=['a']) cannot be made: "),
    ({"RescaleAction": {"min_action": [1, 2], "max_action": 3}}, "RescaleAction(min_action=[1, 2], max_act"),
    ("owns.py:Failing", "wrapper owns.py:Failing() cannot be made: RuntimeError: no luck (owns.py, line 14)"),
]  # fmt: skip


@pytest.mark.parametrize(("written", "says"), REFUSING)
def test_what_a_constructor_refuses_is_said_with_its_arguments(written: Any, says: str, own: str) -> None:
    closed = []
    env = gym.make("Pendulum-v1")
    env.unwrapped.close = lambda: closed.append(True)  # type: ignore[method-assign]
    made = [each.model_copy(update={"folder": own}) for each in recipes("OrderEnforcing", written)]
    assert says in message(wrap, env, made, "test")
    assert closed
