"""Features that choose a constructor's argument: an environment for each value, one at a time."""

from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from hyperrl.errors import UserError
from hyperrl.tasks import check_family
from hyperrl.tasks.variants import VariantEnv, present_env
from tests.masked import Masked
from tests.tasks.bases import LEVEL, MADE, levels


def test_each_value_plays_its_environment_and_each_is_made_once() -> None:
    MADE.clear()
    env = levels().make_default()
    assert MADE == ["low"]
    for level, speed in ((2, 3.0), (0, 1.0), (2, 3.0)):
        env.reset(options={"context": {"level": level}})
        assert env.step(np.zeros(1, np.float32))[0]["obs"][0] == pytest.approx(speed - 0.1)
        assert env.base is env.env.unwrapped
    assert MADE == ["low", "high"]
    assert isinstance(env.env, VariantEnv)
    assert present_env(env.env) is present_env(env.env.present) is env.env.present
    env.close()
    assert len(check_family(levels())) == 2


def test_an_index_counts_from_the_end() -> None:
    pull = {"about": "pull", "default": 1.0, "train": [0, 4], "attribute": "pull.-1"}
    env = levels(features={"level": LEVEL, "pull": pull}, splits={}).make_default()
    env.reset(options={"context": {"level": 1, "pull": 4}})
    assert env.step(np.zeros(1, np.float32))[0]["obs"][0] == pytest.approx(2.0 - 0.4)


def test_environments_of_other_spaces_are_refused() -> None:
    env = levels({**LEVEL, "choices": ["low", "middle", "wide"]}).make_default()
    with pytest.raises(UserError, match="with level=wide: its observation_space is Box"):
        env.reset(options={"context": {"level": 2}})
    with pytest.raises(UserError, match=r"level is 1\.5; a categorical feature"):
        env.reset(options={"context": {"level": 1.5}})
    linear = levels({**LEVEL, "encoding": "linear"}).make_default()
    with pytest.raises(UserError, match=r"context: level is 1\.5; its values: 0, 1, 2"):
        linear.reset(options={"context": {"level": 1.5}})
    wrong = levels({**LEVEL, "argument": "lvl"})
    with pytest.raises(UserError, match=r"cannot be made: .*lvl"):
        wrong.make_default()


class RandomStart(gym.Env[Any, Any]):
    """Observes a number that its generator draws at a reset."""

    observation_space, action_space = gym.spaces.Box(0, 1, ()), gym.spaces.Box(-1, 1, (1,))

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        return self.np_random.random(), {}


def starts(env: VariantEnv, seed: int) -> list[float]:
    env.choose({"level": 0})
    observations = [env.reset(seed=seed)[0]]
    for level in (1, 2, 0, 2, 1):
        env.choose({"level": level})
        observations.append(env.reset()[0])
    return observations


def test_a_seed_is_that_of_environments_chosen_later_too() -> None:
    one, other = (VariantEnv(lambda arguments: RandomStart(), {"level": 0}) for _ in range(2))
    first = starts(one, 3)
    assert starts(other, 3) == first == starts(one, 3)
    assert not set(first) & set(starts(other, 4))
    assert len(set(first)) == len(first)


def test_masks_are_those_of_the_variant_that_plays() -> None:
    made = {by: Masked(by=by) for by in ("method", "info")}
    env = VariantEnv(lambda arguments: made[arguments["by"]], {"by": "method"})
    assert env.has_wrapper_attr("action_masks")
    env.reset(seed=0)
    np.testing.assert_array_equal(env.get_wrapper_attr("action_masks")(), made["method"].mask)
    env.choose({"by": "info"})
    assert not env.has_wrapper_attr("action_masks")
