"""What a contextual environment passes on of its base."""

import gymnasium as gym
import numpy as np
import pytest

from hyperrl.tasks import ContextualEnv, Family, contextualize


def test_the_environment_reports_like_any_other() -> None:
    env = Family.load("ode").make()
    assert isinstance(env, ContextualEnv)
    env.reset(seed=7)
    assert env.np_random_seed == 7
    assert env.np_random is env.base.np_random
    assert "c0" in repr(env)
    given = np.random.default_rng(1)
    env.np_random = given
    assert env.base.np_random is env.np_random is given
    assert env.unwrapped is env


def test_the_time_limit_stands_in_the_specification() -> None:
    assert gym.make("hyperrl/pendulum-v0").spec.max_episode_steps == 200  # type: ignore[union-attr]
    assert gym.make("hyperrl/cartpole-v0").spec.max_episode_steps == 500  # type: ignore[union-attr]


def test_an_attribute_is_the_bases_unless_it_is_the_environments_or_new() -> None:
    family = contextualize(lambda: gym.make("CartPole-v1"), {"gravity": {"train": [5.0, 15.0]}})
    env = family.make_default()
    assert env.has_wrapper_attr("force_mag")
    assert not env.has_wrapper_attr("marked")
    env.set_wrapper_attr("force_mag", 3.0)
    assert env.get_wrapper_attr("force_mag") == env.base.force_mag == 3.0  # type: ignore[attr-defined]
    env.set_wrapper_attr("marked", 1)
    assert env.get_wrapper_attr("marked") == 1
    assert not hasattr(env.base, "marked")
    with pytest.raises(AttributeError, match=r"'gravity' is the task's; set it by reset"):
        env.set_wrapper_attr("gravity", 5.0)
