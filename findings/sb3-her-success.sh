#!/usr/bin/env bash
# stable-baselines3 2.9.2, torch 2.13.0
#
# Expected: in an environment that ends with success, a transition that hindsight relabels as a success is
#           an end too, and its target is the reward alone.
# Seen:     HerReplayBuffer computes rewards anew and leaves dones as they were: relabelled successes are
#           never ends, and their targets bootstrap from the state after the goal, which the true
#           environment never reaches.
#
# Output:
#   of 2000 sampled transitions 709 are successes, of these ends: 0
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check torch==2.13.0 stable-baselines3==2.9.2 gymnasium==1.4.0 numpy==2.4.6
venv/bin/python -W ignore - <<'END'
import gymnasium as gym
import numpy as np
from gymnasium import spaces
from stable_baselines3 import SAC, HerReplayBuffer


class Line(gym.Env):
    """Goes on by 1 at each step, for 5 steps; at the goal, 8, an episode ends."""

    observation_space = spaces.Dict(
        {key: spaces.Box(-9, 9, (1,)) for key in ("observation", "achieved_goal", "desired_goal")}
    )
    action_space = spaces.Box(-1, 1, (1,))

    def seen(self):
        here = np.array([self.time], np.float32)
        return {"observation": here, "achieved_goal": here.copy(), "desired_goal": np.array([8], np.float32)}

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.time = 0
        return self.seen(), {}

    def compute_reward(self, achieved, desired, info):
        return -(np.abs(achieved - desired)[..., 0] > 0.1).astype(np.float32)

    def step(self, action):
        self.time += 1
        seen = self.seen()
        reward = float(self.compute_reward(seen["achieved_goal"], seen["desired_goal"], {}))
        return seen, reward, reward == 0, self.time == 5, {}


model = SAC("MultiInputPolicy", Line(), replay_buffer_class=HerReplayBuffer, gradient_steps=0, seed=0)
model.learn(200)
batch = model.replay_buffer.sample(2000)
success = (batch.rewards == 0).flatten()
ends = int(batch.dones.flatten()[success].sum())
print(f"of 2000 sampled transitions {int(success.sum())} are successes, of these ends: {ends}")
if not (success.sum() > 100 and ends == 0):
    raise SystemExit("the behavior has changed")
END
