"""Norms of gradients before they are clipped."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from stable_baselines3 import PPO

from hyperrl.training.telemetry.gradient import EVERY, GradientNorm
from tests.training.conftest import Rows


def test_gradient_norm_is_the_one_before_clipping(
    ppo: PPO, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip, norms = torch.nn.utils.clip_grad_norm_, []

    def seen(*args: Any, **kwargs: Any) -> torch.Tensor:
        norms.append(clip(*args, **kwargs))
        return norms[-1]

    monkeypatch.setattr(torch.nn.utils, "clip_grad_norm_", seen)
    ppo.learn(128 * 4, GradientNorm())
    found = [value for _, value in rows.of("gradient/norm")]
    updates = np.array([float(norm) for norm in norms]).reshape(4, 16)
    measured = np.arange(updates.size).reshape(4, 16) % EVERY == 0
    expected = [updates[i][measured[i]].mean() for i in range(3)]
    assert max(expected) > ppo.max_grad_norm
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    clipped = [(updates[i][measured[i]] > ppo.max_grad_norm).mean() for i in range(3)]
    assert [value for _, value in rows.of("gradient/clipped")] == clipped


def test_gradient_norm_leaves_training_as_it_was_and_no_hook_behind(ppo: PPO) -> None:
    ppo.learn(256, GradientNorm())
    env = gym.make("Pendulum-v1")
    plain = PPO("MlpPolicy", env, n_steps=128, batch_size=32, n_epochs=4, seed=0, device="cpu").learn(256)
    env.close()
    for a, b in zip(ppo.policy.parameters(), plain.policy.parameters(), strict=True):
        assert torch.equal(a, b)
        assert not a._backward_hooks
    assert not ppo.policy.optimizer._optimizer_step_post_hooks
