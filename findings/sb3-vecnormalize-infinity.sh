#!/usr/bin/env bash
# stable-baselines3 2.9.2, torch 2.13.0
#
# Expected: VecNormalize clips observations, so that one infinite value becomes 10, or spoils the observation
#           that holds it.
# Seen:     the running mean becomes infinite and the variance NaN before anything is clipped: from that step on
#           the same entry is NaN in every observation of every environment, for good.
#
# Output:
#   step 4: the other environment observes [-1.78, -0.73]
#   step 5: the other environment observes [nan, 0.46]
#   step 100: the other environment observes [nan, 1.21]
#   statistics after 100 steps: mean nan, variance nan
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check torch==2.13.0 stable-baselines3==2.9.2 gymnasium==1.4.0 numpy==2.4.6
venv/bin/python -W ignore - <<'END'
import gymnasium as gym
import numpy as np
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize


class Sensor(gym.Env):
    """Observes two numbers of ordinary size; one sensor reads infinity once, at the step that it is given."""

    observation_space = gym.spaces.Box(-np.inf, np.inf, (2,))
    action_space = gym.spaces.Discrete(2)

    def __init__(self, overflow):
        self.overflow = overflow

    def reset(self, *, seed=None, options=None):
        self.time = 0
        return np.ones(2, np.float32), {}

    def step(self, action):
        self.time += 1
        value = np.inf if self.time == self.overflow else np.sin(self.time)
        return np.array([value, np.cos(self.time)], np.float32), 0.0, False, False, {}


env = VecNormalize(DummyVecEnv([lambda: Sensor(5), lambda: Sensor(None)]), clip_obs=10.0)
env.reset()
for step in range(1, 101):
    observation, *_ = env.step([0, 0])
    if step in (4, 5, 100):
        print(f"step {step}: the other environment observes {[round(float(value), 2) for value in observation[1]]}")
mean, var = env.obs_rms.mean[0], env.obs_rms.var[0]
print(f"statistics after 100 steps: mean {mean}, variance {var}")
if not (np.isnan(observation[1][0]) and not np.isnan(observation[1][1])):
    raise SystemExit("the behavior has changed")
END
