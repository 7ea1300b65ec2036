#!/usr/bin/env bash
# gymnasium 1.4.0
#
# Expected: NormalizeReward scales by the variance of discounted returns, whose sum begins anew with each
#           episode.
# Seen:     after a termination the sum begins with the last reward of the episode before, and after a
#           truncation it never begins anew: with gamma 1 and rewards of 1 it grows without end, and rewards
#           shrink with it.
#
# Output:
#   the return so far, after each step of three episodes (1, 2, 3 thrice would be right): {'terminated': [1,
#       2, 1, 2, 3, 1, 2, 3, 1], 'truncated': [1, 2, 3, 4, 5, 6, 7, 8, 9]}
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check gymnasium==1.4.0 numpy==2.4.6
venv/bin/python - <<'END'
import gymnasium as gym
import numpy as np


class Three(gym.Env):
    """Episodes of three steps that pay 1 each."""

    observation_space, action_space = gym.spaces.Box(-1, 1, (1,)), gym.spaces.Discrete(2)

    def __init__(self, truncated):
        self.truncated = truncated

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.time = 0
        return np.zeros(1, np.float32), {}

    def step(self, action):
        self.time += 1
        ended = self.time == 3
        return np.zeros(1, np.float32), 1.0, ended and not self.truncated, ended and self.truncated, {}


sums = {}
for truncated in (False, True):
    env = gym.wrappers.NormalizeReward(Three(truncated), gamma=1.0)
    found = sums["truncated" if truncated else "terminated"] = []
    for _ in range(3):
        env.reset()
        for _ in range(3):
            env.step(0)
            found.append(int(env.discounted_reward[0]))
print("the return so far, after each step of three episodes (1, 2, 3 thrice would be right):", sums)
if not (sums == {'terminated': [1, 2, 1, 2, 3, 1, 2, 3, 1], 'truncated': list(range(1, 10))}):
    raise SystemExit("the behavior has changed")
END
