#!/usr/bin/env bash
# stable-baselines3 2.9.2, torch 2.13.0
#
# Expected: a HerReplayBuffer with room for one whole episode replays it.
# Seen:     the length of an episode is computed modulo the buffer's size: one that fills it exactly has the length
#           0 and is never sampled. The error then speaks of learning_starts.
#
# Output:
#   room for 101 transitions, an episode of 100: 32
#   room for 100 transitions, an episode of 100: RuntimeError: Unable to sample before the end of the first episode. ...
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
from stable_baselines3 import HerReplayBuffer
from stable_baselines3.common.vec_env import DummyVecEnv

STEPS = 100


class Line(gym.Env):
    """Goes on by 1 at each step."""

    observation_space = spaces.Dict(
        {key: spaces.Box(-999, 999, (1,)) for key in ("observation", "achieved_goal", "desired_goal")}
    )
    action_space = spaces.Box(-1, 1, (1,))

    def compute_reward(self, achieved, desired, info):
        return -(np.abs(achieved - desired)[..., 0] > 0.1).astype(np.float32)


def sampled(size):
    """What a buffer of so many transitions samples after one whole episode of STEPS."""
    env = DummyVecEnv([Line])
    buffer = HerReplayBuffer(size, env.observation_space, env.action_space, env)
    for step in range(STEPS):
        now, later = (
            {key: np.full((1, 1), value, np.float32) for key in env.observation_space.spaces}
            for value in (step, step + 1)
        )
        done = np.array([step + 1 == STEPS])
        buffer.add(now, later, np.zeros((1, 1)), np.zeros(1), done, [{}])
    try:
        return len(buffer.sample(32).rewards)
    except RuntimeError as error:
        return f"{type(error).__name__}: {error}"[:93] + " ..."


for size in (STEPS + 1, STEPS):
    print(f"room for {size} transitions, an episode of {STEPS}: {sampled(size)}")
if sampled(STEPS + 1) != 32 or sampled(STEPS) == 32:
    raise SystemExit("the behavior has changed")
END
