"""Where scalars are written, and when."""

from __future__ import annotations

import gymnasium as gym
import pytest
from stable_baselines3 import A2C
from stable_baselines3.common.callbacks import BaseCallback, CallbackList
from stable_baselines3.common.logger import Logger

from hyperrl.training.telemetry.output import Publisher, writer_of
from tests.training.conftest import Rows


class _Puts(BaseCallback):
    def __init__(self, publisher: Publisher):
        super().__init__()
        self._publisher = publisher

    def _on_training_start(self) -> None:
        self._publisher.put({"a/x": 0.0})

    def _on_step(self) -> bool:
        return True

    def _on_rollout_end(self) -> None:
        self._publisher.put({"a/x": float(self.model.num_timesteps)})

    def _on_training_end(self) -> None:
        self._publisher.put({"a/x": -1.0})


@pytest.mark.parametrize("interval", [1, 3, None])
def test_values_are_written_at_their_own_step_whatever_the_log_interval(
    rows: Rows, interval: int | None
) -> None:
    env = gym.make("CartPole-v1")
    model = A2C("MlpPolicy", env, n_steps=5, seed=0, device="cpu")
    model.set_logger(Logger(None, [rows]))
    publisher = Publisher()
    model.learn(30, CallbackList([_Puts(publisher), publisher]), log_interval=interval)  # type: ignore[arg-type]
    env.close()
    assert rows.of("a/x") == [(0, 0.0)] + [(step, float(step)) for step in range(5, 31, 5)] + [(30, -1.0)]
    logged = [step for step, _ in rows.of("time/fps")]
    assert logged == ([] if interval is None else list(range(5 * interval, 31, 5 * interval)))
    joined = [step for step, row in rows.rows if "time/fps" in row and "a/x" in row]
    assert joined == logged


def test_no_writer_among_the_outputs(rows: Rows) -> None:
    assert writer_of(Logger(None, [rows])) is None
