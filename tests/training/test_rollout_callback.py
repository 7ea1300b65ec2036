"""Callbacks that act between rollouts."""

import gymnasium as gym
import pytest
from stable_baselines3 import A2C

from hyperrl.training.rollout_callback import RolloutCallback


class Crossings(RolloutCallback):
    """Notes the steps at which a multiple of an interval was passed."""

    def __init__(self, *intervals: int) -> None:
        super().__init__()
        self.intervals, self.steps = intervals, list[int]()

    def _on_rollout_end(self) -> None:
        if self._crossed(*self.intervals):
            self.steps.append(self.model.num_timesteps)


@pytest.mark.parametrize(
    ("intervals", "steps"),
    [((10,), [12, 20, 32, 40]), ((25, 16), [16, 28, 32]), ((1,), list(range(4, 41, 4)))],
)
def test_multiples_are_passed_once_and_counted_from_where_training_goes_on(
    intervals: tuple[int, ...], steps: list[int]
) -> None:
    env = gym.make("CartPole-v1")
    model = A2C("MlpPolicy", env, n_steps=4, device="cpu")
    callbacks = [Crossings(*intervals) for _ in range(2)]
    model.learn(20, callbacks[0])
    model.learn(20, callbacks[1], reset_num_timesteps=False)
    env.close()
    assert callbacks[0].steps + callbacks[1].steps == steps
