"""A view gives the numbers that actions are made from; of an unknown policy it knows little."""

from typing import Any

import numpy as np
import pytest
import torch
from stable_baselines3 import DQN, PPO, SAC, TD3
from stable_baselines3.common.policies import BasePolicy

from hyperrl.policies import registry
from hyperrl.policies.view import View
from tests.policies.worlds import plain, samples, tensors, venv


@pytest.mark.parametrize("algorithm", [PPO, SAC, TD3, DQN])
def test_what_an_action_is_made_from(algorithm: Any) -> None:
    """Whatever acts, Stable-Baselines3's `predict` makes its actions of these numbers."""
    model = plain(algorithm)
    seen = samples(model.observation_space, 6, 0)
    with torch.no_grad():
        outputs = registry.view(model.policy).act_outputs(tensors(model.policy, seen)).numpy()
    actions, _ = model.predict(seen, deterministic=True)
    if algorithm is DQN:
        np.testing.assert_array_equal(outputs.argmax(axis=1), actions)
    elif algorithm is PPO:
        np.testing.assert_allclose(np.clip(outputs, -1, 1), actions, rtol=1e-6)
    else:
        np.testing.assert_allclose(model.policy.unscale_action(outputs), actions, rtol=1e-5, atol=1e-6)


class Unknown(BasePolicy):
    """A policy of no algorithm here."""

    def _predict(self, observation: Any, deterministic: bool = False) -> torch.Tensor:
        return torch.zeros(1)


def test_of_an_unknown_policy_little_is_known() -> None:
    env = venv("box", "box")
    view = registry.view(Unknown(env.observation_space, env.action_space))
    assert type(view) is View
    assert (view.off_policy, view.recurrent, view.parts, view.targets) == (False, False, {}, {})
    with pytest.raises(TypeError, match=r"Unknown: networks of no algorithm in hyperrl\.policies\.registry"):
        view.modules()
