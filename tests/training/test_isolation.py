"""Looking at a model in training changes nothing."""

from __future__ import annotations

import random

import numpy as np
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback

from hyperrl.training.isolation import preserve_training_state


class _Draws(BaseCallback):
    """Draws from every global generator, unseen where `preserve_training_state` does its work."""

    def _on_step(self) -> bool:
        return True

    def _on_rollout_end(self) -> None:
        with preserve_training_state(self.model):
            self.model.policy.set_training_mode(True)
            self.drawn = [*torch.rand(3).tolist(), random.random(), np.random.rand()]
            random.seed(99), np.random.seed(99), torch.manual_seed(99)


def test_undisturbed_keeps_random_streams_and_mode(ppo: PPO) -> None:
    ppo.policy.set_training_mode(False)
    draws = _Draws()
    draws.init_callback(ppo)
    torch.manual_seed(1), np.random.seed(1), random.seed(1)
    expected = [*torch.rand(3).tolist(), random.random(), np.random.rand()]
    torch.manual_seed(1), np.random.seed(1), random.seed(1)
    draws.on_rollout_end()
    assert draws.drawn == expected
    assert [*torch.rand(3).tolist(), random.random(), np.random.rand()] == expected
    assert not ppo.policy.training
