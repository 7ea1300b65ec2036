#!/usr/bin/env bash
# stable-baselines3 2.9.2, torch 2.13.0
#
# Expected: VecNormalize with norm_obs_keys for the vector of a dictionary leaves its image alone, on and off
#           policy.
# Seen:     SB3 puts VecTransposeImage around VecNormalize, and off policy stores the observations as they are
#           below VecNormalize: the image's channels are last there, and the replay buffer wants them first.
#
# Output:
#   PPO: trains
#   SAC: ValueError: could not broadcast input array from shape (1,36,36,3) into shape (1,3,36,36)
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
from stable_baselines3 import PPO, SAC
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize


class Camera(gym.Env):
    """Observes an image, channels last, and a vector."""

    observation_space = spaces.Dict(
        image=spaces.Box(0, 255, (36, 36, 3), np.uint8), speed=spaces.Box(-1, 1, (2,))
    )
    action_space = spaces.Box(-1, 1, (1,))

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return self.observation_space.sample(), {}

    def step(self, action):
        return self.observation_space.sample(), 0.0, False, False, {}


def trains(algorithm, **options):
    env = VecNormalize(DummyVecEnv([Camera]), norm_obs_keys=["speed"])
    try:
        algorithm("MultiInputPolicy", env, seed=0, **options).learn(16)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "trains"


on_policy = trains(PPO, n_steps=16, batch_size=16)
off_policy = trains(SAC, buffer_size=100, learning_starts=4)
print(f"PPO: {on_policy}\nSAC: {off_policy}")
if on_policy != "trains" or off_policy == "trains":
    raise SystemExit("the behavior has changed")
END
