"""The ordinary differential equation."""

import numpy as np
import pytest

from hyperrl.tasks import Family


def test_the_ode_is_clipped_and_never_terminates() -> None:
    env = Family.load("ode").make_default()
    env.reset(options={"context": {"c0": 10.0}, "x": 19.99})
    for step in range(200):
        observation, reward, terminated, truncated, _ = env.step(np.array([1.0, 0.0], np.float32))
        assert (terminated, truncated) == (False, step == 199)
    assert observation["obs"] == pytest.approx([20.0])
    assert reward == 0.0


@pytest.mark.parametrize(
    ("x", "reward"),
    [
        (0.0, 1.0),
        (0.049, 1.0),
        (0.05, 1 / 2),
        (-0.05, 1 / 2),
        (0.1, 1 / 3),
        (0.2, 1 / 4),
        (0.5, 0.05),
        (2.0, 0.0),
    ],
)
def test_the_odes_reward_at_its_thresholds(x: float, reward: float) -> None:
    env = Family.load("ode").make_default()
    env.reset(options={"x": x})
    assert env.step(np.zeros(2, np.float32))[1] == reward
