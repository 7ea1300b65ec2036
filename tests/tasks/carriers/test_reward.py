"""Features that are the goal of the reward."""

from typing import Any

import numpy as np
import pytest

from hyperrl.errors import BaseEnvironmentError
from hyperrl.tasks import Family, contextualize
from tests.suite import playable
from tests.tasks.bases import Base


@pytest.mark.parametrize("name", playable(["half-cheetah-velocity"]))
@pytest.mark.parametrize("target", [0.0, 2.2])
def test_the_reward_for_a_velocity(name: str, target: float) -> None:
    env = Family.load(name).make_default()
    base: Any = env.base
    env.reset(seed=0, options={"context": {"velocity": target}})
    env.action_space.seed(0)
    for _ in range(30):
        before, action = float(base.data.qpos[0]), env.action_space.sample()
        _, reward, _, _, info = env.step(action)
        velocity = (float(base.data.qpos[0]) - before) / base.dt
        cost = 0.1 * float(np.square(action.astype(float)).sum())
        assert reward == pytest.approx(-abs(velocity - target) - cost, rel=1e-6)
        assert info["reward_forward"] == pytest.approx(-abs(velocity - target))


@pytest.mark.parametrize("name", playable(["ant-direction"]))
@pytest.mark.parametrize("angle", [0.0, 2.0])
def test_the_reward_for_a_direction(name: str, angle: float) -> None:
    env, base_env = Family.load(name).make_default(), Family.load(name).make_base()
    base: Any = env.base
    env.reset(seed=0, options={"context": {"direction": angle}})
    base_env.reset(seed=0)
    env.action_space.seed(0)
    for _ in range(30):
        before, action = base.data.body("torso").xpos[:2].copy(), env.action_space.sample()
        _, reward, _, _, _ = env.step(action)
        _, plain, _, _, told = base_env.step(action)
        along = (base.data.body("torso").xpos[:2] - before) / base.dt @ [np.cos(angle), np.sin(angle)]
        assert float(reward) == pytest.approx(float(plain) - told["reward_forward"] + along, abs=1e-9)


def test_velocities_that_are_no_numbers_are_the_bases_failure() -> None:
    info = {"x_velocity": np.ones(2), "reward_forward": 1.0}
    speed = {"train": [0.5, 2.0], "default": 1.0, "reward": "velocity"}
    env = contextualize(lambda: Base(info=info), {"speed": speed}).make()
    env.reset()
    with pytest.raises(BaseEnvironmentError, match=r"TypeError.*\(task speed=\S+, step 1 of an episode\)$"):
        env.step(np.zeros(1, np.float32))
